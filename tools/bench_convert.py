#!/usr/bin/env python3
"""Measures `sam2kit convert` to safetensors against `cp` and against Python's torch.load + safetensors, and `sam2kit inspect`,
turn by turn in one run.

    sam2kit synthesize sam2.1_hiera_large out/large.pt --seed 1
    python tools/bench_convert.py --checkpoint out/large.pt --sam2kit .build/release/sam2kit

The checkpoint is in the page cache before each turn and nothing is left to be written back. Python's time is
without its imports, sam2kit's with all that starting it takes, which `--version` shows alone. Processor seconds are
those of all threads, in the program and in the system. Anonymous memory is the largest RssAnon seen in /proc, read every
2 ms (Linux only). --durable adds copies that wait for the disk: `cp` followed by `sync`, and `convert --durable`.
"""

import argparse
import os
import resource
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
    """Runs a command; returns its seconds, processor seconds, largest anonymous memory in MB and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, stdout=printed)
        peak = 0
        while process.poll() is None:
            peak = max(peak, anonymous_kilobytes(process.pid))
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        printed.seek(0)
        output = printed.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed with {process.returncode}: {output}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor, peak / 1024, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--sam2kit", required=True, type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--durable", action="store_true", help="also measure copies that wait for the disk")
    options = parser.parse_args()

    program = str(options.sam2kit)
    measured = {}
    with tempfile.TemporaryDirectory(dir=options.checkpoint.parent) as folder:
        source, target = str(options.checkpoint), f"{folder}/out.safetensors"
        commands = {
            "cp": ["cp", source, target],
            "convert": [program, "convert", source, target],
            "convert --sha256": [program, "convert", source, target, "--sha256"],
            "torch.load + safetensors": [sys.executable, "-c", PYTHON, source, target],
            "--version": [program, "--version"],
            "inspect --no-statistics": [program, "inspect", source, "--no-statistics"],
            "inspect": [program, "inspect", source],
        }
        if options.durable:
            commands["cp; sync"] = ["sh", "-c", 'cp "$0" "$1" && sync "$1"', source, target]
            commands["convert --durable"] = [program, "convert", source, target, "--durable"]
        with open(source, "rb") as file:
            while file.read(1 << 24):
                pass
        for _ in range(options.repeat):
            for name, command in commands.items():
                os.sync()
                seconds, processor, megabytes, output = run(command)
                if "torch" in name:
                    seconds = float(output)
                measured.setdefault(name, []).append((seconds, processor, megabytes))
                if os.path.exists(target):
                    os.remove(target)

    size = options.checkpoint.stat().st_size
    copy = min(seconds for seconds, _, _ in measured["cp"])
    middle_copy = statistics.median(seconds for seconds, _, _ in measured["cp"])
    print(f"{options.checkpoint}, {size / 1e6:.0f} MB, {options.repeat} turns")
    print(f"{'':26}{'least s':>9}{'x cp':>7}{'GB/s':>7}{'median s':>10}{'x cp':>7}{'processor s':>13}{'anonymous MB':>14}")
    for name, turns in measured.items():
        least = min(seconds for seconds, _, _ in turns)
        middle = statistics.median(seconds for seconds, _, _ in turns)
        print(f"{name:26}{least:9.3f}{least / copy:7.2f}{size / 1e9 / least:7.2f}{middle:10.3f}{middle / middle_copy:7.2f}"
              f"{min(processor for _, processor, _ in turns):13.3f}{max(megabytes for _, _, megabytes in turns):14.1f}")


if __name__ == "__main__":
    main()
