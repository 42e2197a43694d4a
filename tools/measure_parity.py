#!/usr/bin/env python3
"""Measures how far a full-size run is from the official PyTorch code, every module call included.

    swift build -c release
    python tools/measure_parity.py --variant sam2.1_hiera_t --image truck.jpg --work /tmp/parity

Makes a checkpoint of torch-seeded weights, records the official run for both of tools/parity*.prompts.json, runs
sam2kit on the same and compares. What is in the work folder already is used again; a recording takes 3 to 20 GB, or
little with --tap (a glob on module paths, repeatable).
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import official_model

TOOLS = Path(__file__).resolve().parent
SAM2KIT = TOOLS.parent / ".build/release/sam2kit"
PICTURE = "image_encoder/0/input/sample"
LOGITS = "prediction/low_res_logits"


def run(*command):
    """Runs a command quietly and returns what it printed."""
    return subprocess.run(
        [str(word) for word in command], check=False, stdout=subprocess.PIPE, text=True).stdout


def taps(patterns):
    """The patterns as arguments of the recorder and of sam2kit alike."""
    return [word for pattern in patterns for word in ("--tap", pattern)]


def reference(variant, checkpoint, image, prompts, work, patterns):
    """The official run's recording, made unless it is there."""
    kind = ".some" if patterns else ""
    path = work / f"{variant}.{prompts.name.removesuffix('.prompts.json')}{kind}.h5"
    if not path.exists():
        run(sys.executable, TOOLS / "record_reference.py",
            "--config", official_model.variant_configuration(variant), "--checkpoint", checkpoint,
            "--image", image, "--prompts", prompts, "--output", path, *taps(patterns))
    return path


def mask_flips(recording, folder):
    """Pixels of the masks at the picture's size that differ, how many pixels, and the largest logit among them."""
    with h5py.File(recording) as file:
        low = torch.from_numpy(file[LOGITS][()])
    report = json.loads((folder / "prediction.json").read_text())
    size = (report["image"]["height"], report["image"]["width"])
    logits = F.interpolate(low, size, mode="bilinear", align_corners=False).flatten(0, 1).numpy()
    flipped, largest, pixels = 0, 0.0, 0
    for mask, expected in zip(report["masks"], logits, strict=True):
        found = np.asarray(Image.open(folder / mask["file"])) > 0
        differ = found != (expected > 0)
        flipped += int(differ.sum())
        pixels += differ.size
        largest = max(largest, float(np.abs(expected[differ]).max(initial=0)))
    return flipped, pixels, largest


def measure(variant, checkpoint, image, prompts, work, patterns):
    """Prints one row for the README's table."""
    recorded = reference(variant, checkpoint, image, prompts, work, patterns)
    folder = work / f"{recorded.stem}.sam2kit"
    trace = folder / "trace.h5"
    run(SAM2KIT, "segment", "--model", checkpoint, "--image", image, "--prompts", prompts,
        "--output", folder, "--trace", trace, *taps(patterns))
    report = json.loads(run(SAM2KIT, "compare", recorded, trace, "--json"))
    trace.unlink()
    metrics = {row["name"]: row["metrics"] for row in report["arrays"]}
    worst = max(report["arrays"], key=lambda row: row["metrics"]["relative_error"])
    flipped, pixels, largest = mask_flips(recorded, folder)
    print(f"{variant}, {prompts.name}: {'PASS' if report['passes'] else 'FAIL'}, {len(metrics)} arrays")
    print(f"  worst array            {worst['metrics']['relative_error']:.1e} relative, {worst['name']}")
    print(f"  low_res_logits         {metrics[LOGITS]['relative_error']:.1e} relative, "
          f"{metrics[LOGITS]['max_abs_error']:.1e} absolute")
    if PICTURE in metrics:
        print(f"  prepared picture       {metrics[PICTURE]['max_abs_error']:.1e} absolute, normalised")
    print(f"  mask pixels that flip  {flipped} of {pixels}, the largest of their logits {largest:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=official_model.VARIANTS, default="sam2.1_hiera_t")
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and recordings")
    parser.add_argument("--tap", action="append", default=[], metavar="GLOB", help="record only these modules")
    options = parser.parse_args()
    checkpoint = options.work / f"{options.variant}.pt"
    if not checkpoint.exists():
        run(sys.executable, TOOLS / "make_full_size.py", "--variant", options.variant, "--output", checkpoint)
    for name in ("parity", "parity_multimask"):
        measure(options.variant, checkpoint, options.image, TOOLS / f"{name}.prompts.json", options.work, options.tap)


if __name__ == "__main__":
    main()
