#!/usr/bin/env python3
"""Measures what verifying costs: `segment` against `verify --isolate` on one picture, turn by turn in one run.

    swift build -c release
    python tools/measure_verify.py --variant sam2.1_hiera_t --image truck.jpg --work /tmp/parity

Makes a checkpoint of torch-seeded weights and records the official run with all taps, unless the work folder has them
already (3 GB for tiny). Prints the least and the median of seconds and of peak memory (resident set, as the kernel
counts it) of each command, the ratio of the least times and the difference of the least peaks.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import official_model
from measure_parity import TOOLS, reference, run

MEGABYTE = 1e6


def measure(command):
    """Seconds and peak memory in MB of one run, and its exit code."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    kilobyte = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return seconds, usage.ru_maxrss * kilobyte / MEGABYTE, process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=official_model.VARIANTS, default="sam2.1_hiera_t")
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, default=TOOLS / "parity.prompts.json")
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint and the recording")
    parser.add_argument("--sam2kit", type=Path, default=TOOLS.parent / ".build/release/sam2kit")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()

    checkpoint = options.work / f"{options.variant}.pt"
    if not checkpoint.exists():
        run(sys.executable, TOOLS / "make_full_size.py", "--variant", options.variant, "--output", checkpoint)
    recorded = reference(options.variant, checkpoint, options.image, options.prompts, options.work, [])
    verify = [options.sam2kit, "verify", "--model", checkpoint, "--reference", recorded, "--brief"]
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        commands = {
            "segment": [options.sam2kit, "segment", "--model", checkpoint, "--image", options.image,
                        "--prompts", options.prompts, "--output", folder],
            "verify": verify,
            "verify --isolate": [*verify, "--isolate"],
        }
        found = {name: [] for name in commands}
        for turn in range(options.repeat + 1):
            for name, command in commands.items():
                seconds, memory, code = measure(command)
                if code != 0:
                    raise SystemExit(f"{' '.join(map(str, command))}: exit code {code}")
                if turn > 0:  # the first brings files into the page cache
                    found[name].append((seconds, memory))

    print(f"{options.variant}, {recorded.stat().st_size / 1e9:.1f} GB recorded, {options.repeat} turns")
    print(f"{'':18}{'s, least':>10}{'median':>9}{'MB, least':>12}{'median':>9}{'× segment':>11}{'+ MB':>8}")
    plain = [min(column) for column in zip(*found["segment"])]
    for name, turns in found.items():
        seconds, memory = zip(*turns)
        print(f"{name:18}{min(seconds):10.2f}{statistics.median(seconds):9.2f}{min(memory):12.0f}"
              f"{statistics.median(memory):9.0f}{min(seconds) / plain[0]:11.2f}{min(memory) - plain[1]:8.0f}")


if __name__ == "__main__":
    main()
