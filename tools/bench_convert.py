#!/usr/bin/env python3
"""Times `sam2kit convert` against `cp` and against Python's torch.load + safetensors, turn by turn in one run.

    python tools/make_full_size.py --variant sam2.1_hiera_l --output out/large.pt
    python tools/bench_convert.py --checkpoint out/large.pt --sam2kit .build/release/sam2kit

The checkpoint is in the page cache before each turn and nothing is left to be written back. Python's time is
without its imports. Anonymous memory is the largest RssAnon seen in /proc, read every 2 ms (Linux only).
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = """
import sys, time, torch
from safetensors.torch import save_file
start = time.perf_counter()
state = torch.load(sys.argv[1], map_location="cpu", weights_only=True)["model"]
save_file(state, sys.argv[2])
print(time.perf_counter() - start)
"""


def anonymous_kilobytes(pid):
    """Private memory of a process that no file backs, or 0 where it has none any more."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("RssAnon")), 0)
    except OSError:
        return 0


def run(command):
    """Runs a command; returns its seconds, its largest anonymous memory in MB and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, anonymous_kilobytes(process.pid))
        time.sleep(0.002)
    seconds = time.perf_counter() - start
    output = process.stdout.read()
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed with {process.returncode}: {output}")
    return seconds, peak / 1024, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--sam2kit", required=True, type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()

    measured = {"cp": [], "sam2kit": [], "python": []}
    with tempfile.TemporaryDirectory(dir=options.checkpoint.parent) as folder:
        source, target = str(options.checkpoint), f"{folder}/out.safetensors"
        commands = {
            "cp": ["cp", source, target],
            "sam2kit": [str(options.sam2kit), "convert", source, target],
            "python": [sys.executable, "-c", PYTHON, source, target],
        }
        with open(source, "rb") as file:
            while file.read(1 << 24):
                pass
        for _ in range(options.repeat):
            for name, command in commands.items():
                os.sync()
                seconds, megabytes, output = run(command)
                measured[name].append((float(output) if name == "python" else seconds, megabytes))
                os.remove(target)

    least = {name: min(seconds for seconds, _ in turns) for name, turns in measured.items()}
    middle = {name: statistics.median(seconds for seconds, _ in turns) for name, turns in measured.items()}
    print(f"{options.checkpoint}, {options.checkpoint.stat().st_size / 1e6:.0f} MB, {options.repeat} turns")
    print(f"{'':10}{'least s':>9}{'x cp':>7}{'median s':>10}{'x cp':>7}{'anonymous MB':>14}")
    for name, turns in measured.items():
        print(f"{name:10}{least[name]:9.3f}{least[name] / least['cp']:7.2f}{middle[name]:10.3f}"
              f"{middle[name] / middle['cp']:7.2f}{max(megabytes for _, megabytes in turns):14.1f}")


if __name__ == "__main__":
    main()
