#!/usr/bin/env python3
"""Times our image encoder against the official one in PyTorch (float32, CPU), turn by turn in one run.

    swift build -c release
    python tools/bench_encoder.py --variant sam2.1_hiera_t --threads 2 \
        --ours ".build/release/sam2kit benchmark --model out/sam2.1_hiera_t.safetensors --repeat 3 --json"

`--ours` is any command that takes `--threads N`, which is appended to it, and prints
{"image_encoder_seconds": [...]}. Prints seconds of one picture, the least and the median of each side, and their
ratios.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import time

import torch

import official_model


def time_pytorch(encoder, picture, repeat):
    """Seconds of each of `repeat` forward passes."""
    seconds = []
    with torch.inference_mode():
        for _ in range(repeat):
            start = time.perf_counter()
            encoder(picture)
            seconds.append(time.perf_counter() - start)
    return seconds


def time_ours(command, threads):
    """Seconds of each forward pass that the command reports."""
    arguments = shlex.split(command) + ["--threads", str(threads)]
    result = subprocess.run(arguments, check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout)["image_encoder_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="sam2.1_hiera_t", choices=official_model.VARIANTS)
    parser.add_argument("--ours", required=True, metavar="COMMAND")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4, help="turns of each side")
    parser.add_argument("--repeat", type=int, default=3, help="PyTorch's passes in a turn")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = official_model.build(official_model.variant_configuration(options.variant))
    picture = torch.randn(1, 3, model.image_size, model.image_size)
    time_pytorch(model.image_encoder, picture, 1)  # first use allocates and packs

    theirs, ours = [], []
    for _ in range(options.rounds):
        theirs += time_pytorch(model.image_encoder, picture, options.repeat)
        ours += time_ours(options.ours, options.threads)

    print(f"image encoder, {options.variant}, float32, {options.threads} threads, seconds for a picture")
    print(f"{'':10}{'runs':>6}{'least':>9}{'median':>9}")
    for name, seconds in (("PyTorch", theirs), ("sam2kit", ours)):
        print(f"{name:10}{len(seconds):6}{min(seconds):9.3f}{statistics.median(seconds):9.3f}")
    print(f"{'ratio':10}{'':6}{min(ours) / min(theirs):9.2f}"
          f"{statistics.median(ours) / statistics.median(theirs):9.2f}  (under 1: ours is faster)")


if __name__ == "__main__":
    main()
