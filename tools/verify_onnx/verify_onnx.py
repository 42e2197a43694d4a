#!/usr/bin/env python3
"""Verifies an ONNX export of SAM 2's image encoder with `sam2kit compare`, module by module, and that a broken one is caught.

    python3 -m venv .venv && .venv/bin/pip install -r tools/requirements.txt -r tools/verify_onnx/requirements.txt
    python tools/verify_onnx/verify_onnx.py --config Reference/micro.yaml --checkpoint Weights/sam2.1_micro.pt \
        --reference Reference/micro.h5 --output /tmp/onnx --sam2kit .build/release/sam2kit

PyTorch's exporter notes of every node which module it comes from. The last node of a module makes what the module returns:
these values become outputs of the graph besides its own, onnxruntime runs it on the picture that the recording holds as
it was prepared, and everything goes into one .npz. `encoder.map.json` beside this script says which tap is which.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import onnx
import onnxruntime
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import official_model  # noqa: E402

MAP = Path(__file__).with_name("encoder.map.json")


class Encoder(torch.nn.Module):
    """The image encoder's feature maps, finest first."""

    def __init__(self, model):
        super().__init__()
        self.image_encoder = model.image_encoder

    def forward(self, sample):
        return tuple(self.image_encoder(sample)["backbone_fpn"])


def prepared_picture(reference):
    """What went into the image encoder."""
    with h5py.File(reference) as file:
        return file["taps/image_encoder/0/input/sample"][()].astype(np.float32)


def export(config, checkpoint, sample, path):
    """Exports the encoder; module names stay with the nodes."""
    model = Encoder(official_model.build(config, checkpoint)).eval()
    count = len(model(torch.from_numpy(sample)))
    torch.onnx.export(
        model, (torch.from_numpy(sample),), dynamo=True, input_names=["sample"],
        output_names=[f"backbone_fpn.{index}" for index in range(count)]).save(path)


def module_outputs(graph, reference):
    """The last value that each recorded module makes, of modules that are called once and return one array."""
    with h5py.File(reference) as file:
        single = {name for name, calls in file["taps"].items()
                  if len(calls) == 1 and isinstance(calls["0"].get("output"), h5py.Dataset)}
    values = {}
    for node in graph.node:
        scopes = next((p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"), "[]")
        for scope in ast.literal_eval(scopes):
            if scope in single:
                values[scope] = node.output[0]
    return values


def dump(model, sample, reference, path, only=None):
    """Runs a graph and keeps what its modules and it return."""
    values = module_outputs(model.graph, reference)
    if only:
        values = {name: value for name, value in values.items() if name in only}
    own = [output.name for output in model.graph.output]
    model.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(value) for value in sorted(set(values.values()) - set(own)))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    arrays = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"sample": sample})))
    kept = {name: arrays[name] for name in own if not only or name in only}
    np.savez(path, **kept, **{module: arrays[value] for module, value in values.items()})
    return len(kept) + len(values)


def plant(model, fault):
    """A fault as exporters make them."""
    if fault == "gelu":  # the approximation by tanh
        nodes = [node for node in model.graph.node if node.op_type == "Gelu"]
        for node in nodes:
            del node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("approximate", "tanh"))
    else:  # another framework's epsilon
        nodes = [node for node in model.graph.node if node.op_type == "LayerNormalization"]
        for node in nodes:
            for attribute in node.attribute:
                if attribute.name == "epsilon":
                    attribute.f = 1e-3
    if not nodes:
        sys.exit(f"the graph has no node to plant {fault} in")
    return model


def compare(options, candidate, expected):
    command = [options.sam2kit, "compare", options.reference, candidate, "--map", MAP, "--brief"]
    if options.html:
        command += ["--html", candidate.with_suffix(".html")]
    print("$", *command, flush=True)
    code = subprocess.run(command).returncode
    if code != expected:
        sys.exit(f"expected exit code {expected} for {candidate.name}, found {code}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, type=Path)
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--reference", required=True, type=Path, help="a trace by tools/record_reference.py")
    parser.add_argument("--output", required=True, type=Path, help="folder for the graph and what it returns")
    parser.add_argument("--sam2kit", type=Path, help="the program; without it nothing is compared")
    parser.add_argument("--onnx", type=Path, help="an earlier export, instead of a new one")
    parser.add_argument("--only", action="append", metavar="NAME", help="dump these outputs alone")
    parser.add_argument("--html", action="store_true", help="write a page beside each dump")
    options = parser.parse_args()

    options.output.mkdir(parents=True, exist_ok=True)
    sample = prepared_picture(options.reference)
    graph = options.onnx or options.output / "encoder.onnx"
    if not options.onnx:
        export(options.config, options.checkpoint, sample, graph)
    for name, expected in (("export", 0), ("gelu", 1), ("epsilon", 1)):
        model = onnx.load(graph)
        if name != "export":
            plant(model, name)
        path = options.output / f"{name}.npz"
        count = dump(model, sample, options.reference, path, options.only)
        print(f"{path}: {count} arrays", flush=True)
        if options.sam2kit:
            compare(options, path, expected)
    print("the export agrees with PyTorch, and both planted faults are found" if options.sam2kit else "dumped")


if __name__ == "__main__":
    main()
