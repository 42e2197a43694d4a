#!/usr/bin/env python3
"""Records a picture's run through the official SAM 2 as a sam2kit trace (HDF5): every module call, in and out.

The schema is described in Reference/README.md. Recording the same run again gives the same bytes.

    python tools/record_reference.py \
        --config Weights/sam2.1_micro.yaml --checkpoint Weights/sam2.1_micro.pt \
        --image Reference/micro.png --prompts Reference/micro.prompts.json --compress \
        --output Reference/micro.h5
"""

import argparse
import fnmatch
import hashlib
import inspect
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sam2.sam2_image_predictor import SAM2ImagePredictor

import official_model
from sketch import SketchFile

SMALL = 64 * 1024  # bytes; below this a tensor is stored contiguous
CHUNK = 1024 * 1024  # bytes; HDF5's default chunk cache holds one such chunk


class TraceFile:
    """An HDF5 trace being written: tensors go to disk as they come, equal tensors once.

    Object headers of HDF5 1.8 keep a group of few members in some 100 bytes instead of over 1000, but also note
    the time at which a group was made unless told not to.
    """

    def __init__(self, path, attributes, compress):
        self.compress = compress
        self.written = {}  # digest of shape and bytes -> path of the dataset that holds them
        self.saved = 0
        creation, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        creation.set_obj_track_times(False)
        access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
        access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
        flags = h5py.h5f.ACC_TRUNC
        self.file = h5py.File(h5py.h5f.create(os.fsencode(path), flags, fcpl=creation, fapl=access))
        self.group_creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        self.group_creation.set_obj_track_times(False)
        for name, value in attributes.items():
            self.file.attrs[name] = np.int64(value) if isinstance(value, int) else value

    def group(self, path):
        """The group at an absolute path, made with its parents where missing."""
        group = self.file
        for name in path.strip("/").split("/"):
            if name in group:
                group = group[name]
            else:
                group = h5py.Group(h5py.h5g.create(group.id, name.encode(), gcpl=self.group_creation))
        return group

    def write(self, path, tensor):
        """Writes a tensor as float32 at `path`, or links it to an equal one written before."""
        folder, name = path.rsplit("/", 1)
        group = self.group(folder)
        values = np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
        hasher = hashlib.sha256(repr(values.shape).encode())
        hasher.update(values.reshape(-1).view(np.uint8))
        digest = hasher.digest()
        if digest in self.written:
            group[name] = self.file[self.written[digest]]
            self.saved += values.nbytes
            return
        options = {}
        if self.compress and values.nbytes >= SMALL:
            options = dict(
                chunks=chunk_shape(values.shape), shuffle=True, compression="gzip", compression_opts=4,
                fletcher32=True)
        group.create_dataset(name, data=values, track_times=False, **options)
        self.written[digest] = path

    def write_tree(self, path, value):
        """Writes a tensor, or a list, tuple or dictionary of them as a group; anything else is left out."""
        if isinstance(value, torch.Tensor):
            self.write(path, value)
        elif isinstance(value, dict):
            for key, member in value.items():
                self.write_tree(f"{path}/{key}", member)
        elif isinstance(value, (list, tuple)):
            for index, member in enumerate(value):
                self.write_tree(f"{path}/{index}", member)


def chunk_shape(shape):
    """The largest leading-axis split of a float32 tensor whose chunks hold at most about 1 MiB."""
    chunk = list(shape)
    for axis in range(len(chunk)):
        rest = 4 * int(np.prod(chunk[axis + 1:]))
        chunk[axis] = max(1, min(chunk[axis], CHUNK // rest))
        if rest <= CHUNK:
            break
    return tuple(chunk)


class Taps:
    """Forward hooks on every module whose path matches one of the patterns."""

    def __init__(self, model, patterns, trace):
        self.trace = trace
        self.calls = {}
        self.sequence = 0
        for path, module in model.named_modules():
            if path and any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
                signature = inspect.signature(module.forward)
                module.register_forward_hook(self.hook(path, signature), with_kwargs=True)

    def hook(self, path, signature):
        def record(module, arguments, keywords, output):
            call = self.calls.get(path, 0)
            self.calls[path] = call + 1
            group = f"/taps/{path}/{call}"
            self.trace.group(group).attrs["sequence"] = np.int64(self.sequence)
            self.sequence += 1
            for name, value in signature.bind(*arguments, **keywords).arguments.items():
                self.trace.write_tree(f"{group}/input/{name}", value)
            self.trace.write_tree(f"{group}/output", output)

        return record


def mask_logits(path, side):
    """Logits [1, side, side] of a mask picture: antialiased bilinear of its 0/1 values, 1 unless black, then 20 v - 10.

    Scale and bias are those SAM2Base._use_mask_as_output gives a mask prompt.
    """
    binary = np.asarray(Image.open(path).convert("RGB")).any(axis=2)
    values = torch.from_numpy(binary).float()[None, None]
    values = F.interpolate(values, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return (values * 20 - 10)[0].numpy()


def predict(predictor, prompts, folder):
    """Yields (logits, iou) for every object of the prompts, in order."""
    for item in prompts["objects"]:
        arguments = {"multimask_output": prompts.get("multimask", False)}
        if item.get("points"):
            arguments["point_coords"] = np.array(item["points"], np.float32)
            arguments["point_labels"] = np.array(item["labels"], np.int32)
        if item.get("box"):
            arguments["box"] = np.array(item["box"], np.float32)
        if item.get("mask"):
            arguments["mask_input"] = mask_logits(folder / item["mask"], predictor.model.image_size // 4)
        _, iou, logits = predictor.predict(**arguments)
        yield logits, iou


def record(options, output):
    torch.set_num_threads(options.threads)
    model = official_model.build(options.config, options.checkpoint)
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = official_model.feature_sizes(model)
    image = Image.open(options.image).convert("RGB")
    prompts_text = options.prompts.read_text()
    prompts = json.loads(prompts_text)
    trace = (SketchFile if options.sketch else TraceFile)(
        output,
        {
            "format": "sam2kit.trace",
            "format_version": 1,
            "producer": "sam2",
            "producer_version": version("sam2"),
            "backend": "pytorch",
            "backend_version": version("torch"),
            "precision": "float32",
            "threads": options.threads,
            "checkpoint_sha256": official_model.sha256(options.checkpoint),
            "input_sha256": official_model.sha256(options.image),
            "input": json.dumps(
                {"kind": "picture", "width": image.width, "height": image.height,
                 "preprocessing": "SAM2Transforms"}, separators=(",", ":")),
            "prompts": prompts_text,
            "configuration": options.config.read_text(),
        },
        options.compress)
    taps = Taps(model, options.tap or ["*"], trace)
    scores = []
    model.sam_mask_decoder.register_forward_hook(lambda module, inputs, output: scores.append(output[3][0]))

    predictor.set_image(image)
    results = list(predict(predictor, prompts, options.prompts.parent))
    trace.write("/prediction/low_res_logits", torch.from_numpy(np.stack([logits for logits, _ in results])))
    trace.write("/prediction/iou", torch.from_numpy(np.stack([iou for _, iou in results])))
    trace.write("/prediction/object_score", torch.stack(scores))
    trace.file.close()
    return taps, trace


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, type=Path, help="official Hydra YAML")
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--image", required=True, type=Path)
    parser.add_argument("--prompts", required=True, type=Path, help="JSON, see Reference/README.md")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--tap", action="append", metavar="GLOB", help="modules to record; all if not given")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compress", action="store_true", help="shuffle, gzip and checksum the larger tensors")
    parser.add_argument("--sketch", action="store_true", help="write a sketch instead, see Reference/sketches.md")
    options = parser.parse_args()

    partial = options.output.with_name(options.output.name + ".partial")
    try:
        taps, trace = record(options, partial)
        os.replace(partial, options.output)
    finally:
        partial.unlink(missing_ok=True)
    print(
        f"{options.output}: {taps.sequence} calls of {len(taps.calls)} modules, "
        f"{options.output.stat().st_size / 1e6:.1f} MB, {trace.saved / 1e6:.1f} MB shared by links",
        file=sys.stderr)


if __name__ == "__main__":
    main()
