#!/usr/bin/env python3
"""Measures how far SAM 2 in bfloat16 and in int8 is from Float32, tap by tap: what the presets of policies rest on.

    swift build -c release
    python tools/measure_precisions.py --sam2kit .build/release/sam2kit --work /tmp/precisions \
        --config Weights/sam2.1_micro.yaml --checkpoint Weights/sam2.1_micro.pt --prompts Reference/micro.prompts.json \
        --image Reference/micro.png --image Reference/validation/pictures/*.jpg

The official code runs on every picture in Float32; under autocast to bfloat16, as Meta's examples run it; and with the inputs
(per tensor) and weights (per output channel) of every linear layer and convolution rounded to 255 steps. Each is
recorded and compared with Float32. Prints the spread of relative errors, cosines and mask IoU over taps, and the policy that
`sam2kit calibrate-policy` proposes. The comparisons stay in --work.
"""

import argparse
import contextlib
import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F

import record_reference


def rounded(x, axes):
    """x on a symmetric grid of 255 steps whose range is that of the given axes."""
    step = x.abs().amax(dim=axes, keepdim=True).clamp(min=1e-12) / 127
    return (x / step).round().clamp(-127, 127) * step


@contextlib.contextmanager
def int8():
    """Linear layers and convolutions compute with rounded inputs and weights."""
    originals = torch.nn.Linear.forward, torch.nn.Conv2d._conv_forward

    def linear(self, input):  # named as PyTorch names it, since taps are
        return F.linear(rounded(input, tuple(range(input.ndim))), rounded(self.weight, (1,)), self.bias)

    def convolution(self, x, weight, bias):
        return originals[1](self, rounded(x, tuple(range(x.ndim))), rounded(weight, (1, 2, 3)), bias)

    torch.nn.Linear.forward, torch.nn.Conv2d._conv_forward = linear, convolution
    try:
        yield
    finally:
        torch.nn.Linear.forward, torch.nn.Conv2d._conv_forward = originals


CONTEXTS = {
    "float32": contextlib.nullcontext,
    "bfloat16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "int8": int8,
}


def record(options, image, precision):
    """Records one picture; returns the trace's path."""
    path = options.work / f"{image.stem}.{precision}.h5"
    with CONTEXTS[precision]():
        record_reference.main([
            "--config", str(options.config), "--checkpoint", str(options.checkpoint), "--image", str(image),
            "--prompts", str(options.prompts), "--output", str(path)])
    with h5py.File(path, "r+") as file:
        file.attrs["precision"] = precision
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sam2kit", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--config", required=True, type=Path)
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--prompts", required=True, type=Path)
    parser.add_argument("--image", required=True, type=Path, nargs="+", action="extend")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)

    saved = {"bfloat16": [], "int8": []}
    for image in options.image:
        reference = record(options, image, "float32")
        for precision, reports in saved.items():
            candidate = record(options, image, precision)
            report = options.work / f"{image.stem}.{precision}.json"
            subprocess.run(
                [options.sam2kit, "compare", reference, candidate, "--brief", "--save", report],
                stdout=subprocess.DEVNULL, check=False)
            reports.append(report)
            candidate.unlink()
        reference.unlink()
    for precision, reports in saved.items():
        rows = [row for report in reports for row in json.loads(report.read_text())["arrays"]]
        compared = [row["metrics"] for row in rows if "metrics" in row]
        print(f"\n{precision}: {len(compared)} taps of {len(reports)} pictures, {len(rows) - len(compared)} not comparable")
        for name in ["relative_error", "cosine_similarity", "pearson", "sqnr_decibels"]:
            values = [float(metrics[name]) for metrics in compared]
            shares = np.quantile(values, [0, 0.01, 0.05, 0.5, 0.95, 0.99, 1], method="nearest")
            print(f"  {name:18} least, 1, 5, 50, 95, 99 %, largest: " + " ".join(f"{x:.4g}" for x in shares))
        print("  mask IoU:", " ".join(f"{m['masks']['iou']:.3f}" for m in compared if m.get("masks")))
        subprocess.run([options.sam2kit, "calibrate-policy", *reports, "--name", precision], check=False)


if __name__ == "__main__":
    main()
