#!/usr/bin/env python3
"""Records a run through the official SAM 2 as a sam2kit trace (HDF5): every module call, in and out.

The schema is described in Reference/README.md. Recording the same run again gives the same bytes.

    python tools/record_reference.py \
        --config Reference/micro.yaml --checkpoint Weights/sam2.1_micro.pt \
        --image Reference/micro.png --prompts Reference/micro.prompts.json --compress \
        --output Reference/micro.h5

A video, a folder of JPEG files or an mp4 file, takes the place of the picture with --video. --set changes keys of the
model's configuration, and the trace holds the changed one: --set max_cond_frames_in_attn=2.
"""

import argparse
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import torch

import official_model
from recording.picture import PictureRun
from recording.taps import Taps
from recording.trace_file import TraceFile
from recording.video import VideoRun
from sketch import SketchFile


def record(options, output):
    torch.set_num_threads(options.threads)
    options.tree = official_model.configuration(options.config, options.set)
    options.configuration_text = (
        official_model.yaml_text(options.tree) if options.set else options.config.read_text())
    run = VideoRun(options) if options.video else PictureRun(options)
    directory = official_model.directory_sha256(options.checkpoint)
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
            "input_sha256": run.input_sha256,
            "input": json.dumps(run.input, separators=(",", ":")),
            "prompts": options.prompts.read_text(),
            "configuration": run.configuration,
            **({"checkpoint_directory_sha256": directory} if directory else {}),
        },
        options.compress)
    patterns = [] if options.no_taps else options.tap or ["*"]
    taps = Taps(run.model, patterns, trace, run.place, options.frame, options.object)
    run.record(trace)
    trace.file.close()
    if options.times:
        options.times.write_text(json.dumps(run.times, indent=1) + "\n")
    return taps, trace


def main(arguments=None):
    """Records as the arguments, those of the command line unless given, say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, type=Path, help="official Hydra YAML")
    parser.add_argument("--checkpoint", required=True, type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--image", type=Path)
    source.add_argument("--video", type=Path, help="a folder of JPEG files or an mp4 file")
    parser.add_argument("--prompts", required=True, type=Path, help="JSON, see Reference/README.md")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="a key under `model` of the configuration, changed")
    parser.add_argument("--tap", action="append", metavar="GLOB", help="modules to record; all if not given")
    parser.add_argument("--no-taps", action="store_true", help="record predictions alone")
    parser.add_argument("--frame", action="append", type=int, default=[], metavar="N",
                        help="record calls at these frames of a video alone")
    parser.add_argument("--object", action="append", type=int, default=[], metavar="ID",
                        help="record calls for these objects of a video, or for none, alone")
    parser.add_argument("--video-logits", action="store_true",
                        help="record the masks' logits at the video's size as well")
    parser.add_argument("--times", type=Path, metavar="JSON", help="write the seconds that each frame of a video took")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compress", action="store_true", help="shuffle, gzip and checksum the larger tensors")
    parser.add_argument("--sketch", action="store_true", help="write a sketch instead, see Reference/sketches.md")
    options = parser.parse_args(arguments)

    partial = options.output.with_name(options.output.name + ".partial")
    try:
        taps, trace = record(options, partial)
        os.replace(partial, options.output)
    finally:
        partial.unlink(missing_ok=True)
    print(
        f"{options.output}: {taps.recorded} calls of {len(taps.calls)} modules, "
        f"{options.output.stat().st_size / 1e3:,.0f} kB, {trace.saved / 1e3:,.0f} kB shared by links",
        file=sys.stderr)


if __name__ == "__main__":
    main()
