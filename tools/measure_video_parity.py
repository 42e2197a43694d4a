#!/usr/bin/env python3
"""Measures how far tracking over a full-size video is from the official PyTorch code, frame by frame, and how fast.

    swift build -c release
    python tools/measure_video_parity.py --variant sam2.1_hiera_t --video frames/ --work /tmp/parity

Makes a checkpoint of torch-seeded weights that tracks, records the official run with tools/parity_video.prompts.json
(two objects, one of them refined on the way; predictions alone), runs sam2kit on the same and compares. What is in
the work folder already is used again.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F

import official_model
from measure_parity import SAM2KIT, TOOLS

PROMPTS = TOOLS / "parity_video.prompts.json"
TRACE = "trace.h5"


def track(checkpoint, configuration, video, prompts, output):
    """The command line of sam2kit that tracks and leaves a trace of predictions, with holes unfilled as official code
    leaves them on a CPU."""
    return [SAM2KIT, "track", "--model", checkpoint, "--config", configuration, "--video", video,
            "--prompts", prompts, "--output", output, "--trace", output / TRACE, "--tap", "none"]


def run(*command):
    """Runs a command and returns the seconds it took."""
    begin = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True)
    return time.perf_counter() - begin


def predictions(path):
    """The predictions of a video trace, {(step, frame, object): (logits [1, 1, h, w], score)}, and its input."""
    found = {}
    with h5py.File(path) as file:
        for step, frames in file["prediction"].items():
            for frame, objects in frames.items():
                for identifier, group in objects.items():
                    logits = torch.from_numpy(group["low_res_logits"][()])[None]
                    found[int(step), int(frame), int(identifier)] = logits, float(group["object_score"][0])
        return dict(sorted(found.items())), json.loads(file.attrs["input"])


def overlap(expected, actual, size):
    """Intersection over union of two masks at the video's size (height, width); 1 where both are empty."""
    first, second = (
        F.interpolate(logits, size, mode="bilinear", align_corners=False) > 0 for logits in (expected, actual))
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def report(recorded, found):
    """Prints a row for every frame and object, and the worst of each column."""
    expected, video = predictions(recorded)
    actual, _ = predictions(found)
    if expected.keys() != actual.keys():
        sys.exit(f"the runs predict different frames: {sorted(expected.keys() ^ actual.keys())}")
    size = (video["height"], video["width"])
    print("step frame object   logits, relative   mask IoU   score difference")
    rows = []
    for key, (logits, score) in expected.items():
        other, other_score = actual[key]
        relative = float((logits - other).norm() / logits.norm().clamp(min=1e-12))
        rows.append((relative, overlap(logits, other, size), abs(score - other_score)))
        print("{:4} {:5} {:6}   {:16.1e}   {:8.6f}   {:16.1e}".format(*key, *rows[-1]))
    relative, iou, score = zip(*rows)
    print(f"worst               {max(relative):16.1e}   {min(iou):8.6f}   {max(score):16.1e}")


def milliseconds(path):
    """The median over the frames that an official run tracked, by steps that track more than one frame."""
    times = json.loads(path.read_text())
    steps = {row["step"] for row in times if sum(other["step"] == row["step"] for other in times) > 1}
    return 1e3 * float(np.median([row["seconds"] for row in times if row["step"] in steps]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=official_model.VARIANTS, default="sam2.1_hiera_t")
    parser.add_argument("--video", type=Path, required=True, help="a folder of JPEG files")
    parser.add_argument("--prompts", type=Path, default=PROMPTS)
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint and the recordings")
    options = parser.parse_args()
    name = f"{options.variant}.tracking"
    checkpoint = options.work / f"{name}.pt"
    recorded = options.work / f"{name}.h5"
    times = options.work / f"{name}.times.json"
    configuration = options.work / f"{name}.yaml"
    if not checkpoint.exists():
        run(sys.executable, TOOLS / "make_full_size.py", "--variant", options.variant, "--tracking",
            "--output", checkpoint)
    if not recorded.exists():
        run(sys.executable, TOOLS / "record_reference.py",
            "--config", official_model.variant_configuration(options.variant), "--checkpoint", checkpoint,
            "--video", options.video, "--prompts", options.prompts, "--no-taps", "--times", times,
            "--output", recorded)
    with h5py.File(recorded) as file:
        configuration.write_text(file.attrs["configuration"])
    folder = options.work / f"{name}.sam2kit"
    folder.mkdir(exist_ok=True)
    seconds = run(*track(checkpoint, configuration, options.video, options.prompts, folder))
    report(recorded, folder / TRACE)
    frames = len(list(options.video.iterdir()))
    official, ours = milliseconds(times), 1e3 * seconds / frames
    print(f"per frame: {official:.0f} ms official, {ours:.0f} ms sam2kit with loading, {official / ours:.2f} as fast")


if __name__ == "__main__":
    main()
