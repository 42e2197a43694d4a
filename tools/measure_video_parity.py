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
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F

import official_model
from measure_parity import SAM2KIT, TOOLS

PROMPTS = TOOLS / "parity_video.prompts.json"
TRACE = "trace.h5"
BANK = 7  # frames that a bank holds


def track(checkpoint, configuration, video, prompts, output):
    """The command line of sam2kit that tracks and leaves a trace of predictions, with holes unfilled as official code
    leaves them on a CPU."""
    return [SAM2KIT, "track", "--model", checkpoint, "--config", configuration, "--video", video,
            "--prompts", prompts, "--output", output, "--trace", output / TRACE, "--tap", "none"]


def run(*command):
    """Runs a command, which must succeed."""
    subprocess.run([str(word) for word in command], check=True)


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


def official_seconds(path):
    """What every frame took that an official run tracked, by frame, of steps that track more than one."""
    times = json.loads(path.read_text())
    steps = {row["step"] for row in times if sum(other["step"] == row["step"] for other in times) > 1}
    return {row["frame"]: row["seconds"] for row in times if row["step"] in steps}


def our_seconds(folder):
    """What every frame but the first took, by frame: the time between its mask's writing and the one before."""
    written = [mask.stat().st_mtime for mask in sorted(folder.glob("*.png"))]
    return {frame: after - before for frame, (before, after) in enumerate(zip(written, written[1:]), 1)}


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
    run(*track(checkpoint, configuration, options.video, options.prompts, folder))
    report(recorded, folder / TRACE)
    official, ours = official_seconds(times), our_seconds(folder)
    full = sorted(frame for frame in official.keys() & ours.keys() if frame >= BANK)
    if full:
        theirs, mine = (float(np.median([seconds[frame] for frame in full])) for seconds in (official, ours))
        print(f"seconds a frame from frame {BANK} on, where the bank is full: {theirs:.2f} official, {mine:.2f} sam2kit, "
              f"ratio {mine / theirs:.2f}")



if __name__ == "__main__":
    main()
