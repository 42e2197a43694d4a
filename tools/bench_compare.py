#!/usr/bin/env python3
"""Times `sam2kit compare` on two large traces against NumPy and h5py on the same files, turn by turn in one run.

    swift build -c release
    python tools/bench_compare.py --sam2kit .build/release/sam2kit --work /tmp/bench_compare

Makes two traces of --gigabytes each, of layers of the sizes that SAM 2 has, the second with rounding errors, and reads
both into the page cache. Speed is the bytes of both files by the seconds of the whole command. The peer computes the
largest and mean error, cosine, SQNR and correlation, in pieces of 2 ** 20 elements; sam2kit computes those and the rest. Memory
is the peak resident set. Processor seconds are of all threads: on a busy machine they say more than the clock. Ends
with 1 if sam2kit is below 1 GB/s by the clock or above 256 MB.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np

# Of image_encoder.trunk, the neck, and tokens, in turn until the file is full.
SHAPES = [(1, 256, 256, 96), (1, 128, 128, 192), (1, 64, 64, 384), (1, 256, 64, 64), (1, 32, 32, 768), (3, 9, 256)]

PEER = """
import sys, time, h5py, numpy as np
start = time.perf_counter()
worst = 0
with h5py.File(sys.argv[1]) as a, h5py.File(sys.argv[2]) as b:
    for name in a["taps"]:
        x, y = a[f"taps/{name}/0/output"], b[f"taps/{name}/0/output"]
        x, y = x[:].reshape(-1), y[:].reshape(-1)
        largest = total = square = xx = yy = xy = sx = sy = 0.0
        for i in range(0, x.size, 1 << 20):
            p, q = x[i:i + (1 << 20)].astype(np.float64), y[i:i + (1 << 20)].astype(np.float64)
            e = np.abs(p - q)
            largest = max(largest, e.max())
            total += e.sum(); square += e @ e
            xx += p @ p; yy += q @ q; xy += p @ q; sx += p.sum(); sy += q.sum()
        n = x.size
        cosine, sqnr = xy / np.sqrt(xx * yy), 10 * np.log10(xx / square) if square else np.inf
        pearson = (xy - sx * sy / n) / np.sqrt((xx - sx * sx / n) * (yy - sy * sy / n))
        worst = max(worst, largest)
print(time.perf_counter() - start)
"""


def write(path, gigabytes, noise):
    """A trace by the schema of Reference/README.md."""
    rng = np.random.default_rng(1)
    errors = np.random.default_rng(2)
    with h5py.File(path, "w") as file:
        attributes = {
            "format": "sam2kit.trace", "producer": "bench_compare.py", "producer_version": "1", "backend": "numpy",
            "backend_version": np.__version__, "precision": "float32", "checkpoint_sha256": "", "input_sha256": "",
            "input": json.dumps({"kind": "picture", "width": 1, "height": 1, "preprocessing": "none"}),
            "prompts": json.dumps({"multimask": False, "objects": []}), "configuration": "",
        }
        file.attrs.update(attributes)
        file.attrs["format_version"] = 1
        file.attrs["threads"] = 1
        written = sequence = 0
        while written < gigabytes * 1e9:
            shape = SHAPES[sequence % len(SHAPES)]
            layer = rng.standard_normal(shape, dtype=np.float32)
            if noise:
                layer += layer * errors.standard_normal(shape, dtype=np.float32) * np.float32(noise)
            group = file.create_group(f"taps/layer.{sequence:04}/0")
            group.attrs["sequence"] = sequence
            group["output"] = layer
            written += layer.nbytes
            sequence += 1


def run(command):
    """Runs a command; returns its seconds, those of the processor, its peak resident memory in MB and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{command[0]} failed with {os.waitstatus_to_exitcode(status)}: {output}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sam2kit", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path, help="a folder for the traces; they are removed at the end")
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()

    options.work.mkdir(parents=True)
    try:
        reference, candidate = str(options.work / "reference.h5"), str(options.work / "candidate.h5")
        write(reference, options.gigabytes, 0)
        write(candidate, options.gigabytes, 1e-6)
        os.sync()
        size = 0
        for path in [reference, candidate]:
            with open(path, "rb") as file:
                while piece := file.read(1 << 24):
                    size += len(piece)
        commands = {
            "sam2kit": [str(options.sam2kit), "compare", reference, candidate, "--brief"],
            "python": [sys.executable, "-c", PEER, reference, candidate],
        }
        measured = {name: [] for name in commands}
        for _ in range(options.repeat):
            for name, command in commands.items():
                seconds, processor, megabytes, output = run(command)
                measured[name].append((float(output) if name == "python" else seconds, processor, megabytes))
    finally:
        shutil.rmtree(options.work)

    print(f"{size / 1e9:.2f} GB in two traces, {options.repeat} turns")
    print(f"{'':10}{'least s':>9}{'median s':>10}{'GB/s':>7}{'processor s':>13}{'peak MB':>9}")
    for name, turns in measured.items():
        clock, processor, memory = zip(*turns)
        print(f"{name:10}{min(clock):9.2f}{statistics.median(clock):10.2f}{size / 1e9 / min(clock):7.2f}"
              f"{min(processor):13.2f}{max(memory):9.0f}")
    clock, _, memory = zip(*measured["sam2kit"])
    sys.exit(size / 1e9 / min(clock) < 1 or max(memory) > 256)


if __name__ == "__main__":
    main()
