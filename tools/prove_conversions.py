#!/usr/bin/env python3
"""Proves that no conversion loses a bit and that the official code loads what comes out.

    swift build -c release
    python tools/prove_conversions.py --work /tmp/conversions

A synthesized checkpoint of --variant goes from every format into every other and back into a .pt. Each .pt is read with
torch.load(weights_only=True) and compared bit for bit, the safetensors and HDF5 files with their own libraries too;
the last .pt goes into the official build_sam2, which is strict, and its weights are compared once more. Exits with 1
if something isn't the same.
"""

import argparse
import itertools
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import h5py
import torch
from safetensors.torch import load_file
from sam2.build_sam import build_sam2

FORMATS = ("pt", "safetensors", "h5", "gguf")
CONFIGURATION = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
REPOSITORY = Path(__file__).resolve().parent.parent


def convert(sam2kit, source, target):
    subprocess.run([str(sam2kit), "convert", str(source), str(target)], check=True, stdout=subprocess.DEVNULL)


def read(path):
    """The tensors of a file, by the library of its format; None where that isn't installed."""
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True)["model"]
    if path.suffix == ".safetensors":
        return load_file(path)
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: torch.from_numpy(data[()]) for name, data in file.items()}
    return None


def same(first, second):
    """Whether two sets of tensors are the same names, types, shapes and bits."""
    return first.keys() == second.keys() and all(
        tensor.dtype == second[name].dtype and tensor.shape == second[name].shape
        and torch.equal(tensor.flatten().view(torch.uint8), second[name].flatten().view(torch.uint8))
        for name, tensor in first.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--variant", default="sam2.1_hiera_tiny")
    parser.add_argument("--sam2kit", type=Path, default=REPOSITORY / ".build/release/sam2kit")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)

    origin = options.work / "origin.pt"
    subprocess.run([str(options.sam2kit), "synthesize", options.variant, str(origin)], check=True,
                   stdout=subprocess.DEVNULL)
    expected, failed = read(origin), []

    def check(what, found):
        if found is None:
            return
        good = same(expected, found)
        print(f"{what}: {'the same bits' if good else 'DIFFERS'}")
        if not good:
            failed.append(what)

    last = None
    for first, second in itertools.product(FORMATS, FORMATS):
        a, b, last = (options.work / name for name in (f"a.{first}", f"b.{second}", "last.pt"))
        convert(options.sam2kit, origin, a)
        convert(options.sam2kit, a, b)
        convert(options.sam2kit, b, last)
        check(f"pt -> {first}, read by its library", read(a) if second == FORMATS[0] else None)
        check(f"pt -> {first} -> {second} -> pt, torch.load(weights_only=True)", read(last))
    family, _, size = options.variant.partition("_hiera_")
    model = build_sam2(f"configs/{family}/{family}_hiera_{CONFIGURATION[size]}.yaml", str(last), device="cpu")
    check(f"official build_sam2 (sam2 {version('sam2')}, torch {version('torch')})", dict(model.state_dict()))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
