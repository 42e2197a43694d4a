#!/usr/bin/env python3
"""Sketches a trace: per tap some statistics, sampled values and random projections, small enough to commit.

The format is described in Reference/sketches.md. `SketchFile` has the interface of the recorder's `TraceFile`, so that
`record_reference.py --sketch` writes a sketch without ever storing the trace.

    python tools/sketch.py TRACE.h5 SKETCH.h5
"""

import argparse
import functools
import hashlib
import json
import os
from pathlib import Path

import h5py
import numpy as np
import torch

SEED = 1
SAMPLES = 256  # values per tap
PROJECTIONS = 8  # bits in a byte: one byte of a hash has an element's sign in each
BLOCK = 1 << 22  # elements brought to float64 at a time
GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(bits):
    """SplitMix64's finalizer, of an array of uint64."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def hashes(seed, name, start, count):
    """Entries of the sequence that `CounterHash` has for a name, as uint64."""
    fnv = 0xCBF29CE484222325
    for byte in name.encode():
        fnv = ((fnv ^ byte) * 0x100000001B3) & MASK
    with np.errstate(over="ignore"):
        key = mix(mix(np.array([(seed + GAMMA) & MASK], np.uint64)) ^ np.uint64(fnv))
        return mix(key + np.arange(start + 1, start + count + 1, dtype=np.uint64) * np.uint64(GAMMA))


@functools.lru_cache(maxsize=8)
def sign_bytes(count):
    """For every element of an array of `count` a byte, whose bits are its signs: 1 is minus."""
    return hashes(SEED, f"signs {count}", 0, -(-count // 8)).view(np.uint8)[:count]


class Sketch:
    """The sketch of one array of float32: a row of each table of a sketch file."""

    def __init__(self, values):
        values = values.reshape(-1)
        count = values.size
        finite = np.isfinite(values)
        nan = int(np.isnan(values).sum())
        self.counts = np.array([count, nan, count - nan - int(finite.sum())], np.int64)
        clean = values if finite.all() else np.where(finite, values, np.float32(0))
        kept = values[finite] if clean is not values else values
        number = kept.size
        # Elements with the same signs are added up together: one addition each instead of eight.
        sums = np.zeros(256)
        squares = 0.0
        signs = sign_bytes(count)
        for start in range(0, count, BLOCK):
            block = clean[start:start + BLOCK].astype(np.float64)
            sums += np.bincount(signs[start:start + BLOCK], weights=block, minlength=256)
            squares += float(block @ block)
        mean = sums.sum() / number if number else 0.0
        deviation = max(0.0, squares / number - mean * mean) ** 0.5 if number else 0.0
        least, largest = (kept.min(), kept.max()) if number else (0.0, 0.0)
        self.statistics = np.array([least, largest, mean, deviation, squares ** 0.5])
        flips = (np.arange(256)[:, None] >> np.arange(PROJECTIONS)) & 1
        self.projections = sums @ (1.0 - 2.0 * flips)
        self.samples = np.zeros(SAMPLES, np.float32)
        if count <= SAMPLES:
            self.samples[:count] = values
        else:
            positions = hashes(SEED, f"samples {count}", 0, SAMPLES) % np.uint64(count)
            self.samples[:] = values[positions.astype(np.int64)]


TABLES = ("counts", "statistics", "samples", "projections")


class Call:
    """What stands in for a call's group: its attributes."""

    def __init__(self):
        self.attrs = {}


class SketchFile:
    """A sketch being written, through the interface of the recorder's `TraceFile`."""

    def __init__(self, path, attributes, compress=True):
        self.path = path
        self.attributes = attributes | {
            "format": "sam2kit.sketch", "format_version": 1, "sketch_seed": SEED}
        self.calls = {}
        self.taps = []  # (path of the array, shape, row)
        self.rows = {}  # digest of the elements -> row
        self.sketches = []
        self.saved = 0
        self.file = self  # the recorder closes `trace.file`

    def group(self, path):
        """The call at an absolute path, for its attributes."""
        return self.calls.setdefault(path, Call())

    def write(self, path, tensor):
        """Sketches a tensor; equal arrays share a row."""
        values = np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())
        key = hashlib.sha256(values.reshape(-1).view(np.uint8)).digest()
        if key in self.rows:
            self.saved += values.nbytes
        else:
            self.rows[key] = len(self.sketches)
            self.sketches.append(Sketch(values))
        self.taps.append((path, values.shape, self.rows[key]))

    def write_tree(self, path, value):
        """Sketches a tensor, or a list, tuple or dictionary of them; anything else is left out."""
        if isinstance(value, torch.Tensor):
            self.write(path, value)
        elif isinstance(value, dict):
            for key, member in value.items():
                self.write_tree(f"{path}/{key}", member)
        elif isinstance(value, (list, tuple)):
            for index, member in enumerate(value):
                self.write_tree(f"{path}/{index}", member)

    def listing(self):
        """Every tap in the order of a trace's listing: by sequence, inputs before output, predictions last."""
        taps = []
        for path, shape, row in self.taps:
            tap = {"name": path.removeprefix("/taps/").removeprefix("/"), "shape": list(shape), "row": row}
            steps = path.strip("/").split("/")
            if steps[0] == "taps":
                call = self.calls["/" + "/".join(steps[:3])]
                tap |= {name: int(value) for name, value in call.attrs.items()}
            keys = [(0, int(step), "") if step.isdecimal() else (1, 0, step) for step in steps[3:]]
            taps.append((tap.get("sequence", float("inf")), keys if steps[0] == "taps" else steps, tap))
        return [tap for _, _, tap in sorted(taps, key=lambda item: item[:2])]

    def order_rows(self, listing):
        """Numbers rows by their first use in the listing, so that the order of writing does not show."""
        numbers = {}
        for tap in listing:
            tap["row"] = numbers.setdefault(tap["row"], len(numbers))
        return [self.sketches[row] for row in numbers]

    def close(self):
        creation, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        creation.set_obj_track_times(False)
        access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
        identifier = h5py.h5f.create(os.fsencode(self.path), h5py.h5f.ACC_TRUNC, fcpl=creation, fapl=access)
        listing = self.listing()
        sketches = self.order_rows(listing)
        text = json.dumps(listing, separators=(",", ":"), sort_keys=True)
        with h5py.File(identifier) as file:
            for name, value in sorted(self.attributes.items()):
                file.attrs[name] = np.int64(value) if isinstance(value, int) else value
            tables = {table: np.stack([getattr(sketch, table) for sketch in sketches]) for table in TABLES}
            tables["taps"] = np.frombuffer(text.encode(), np.uint8)
            for name, values in tables.items():
                file.create_dataset(
                    name, data=values, chunks=values.shape, track_times=False, shuffle=True, compression="gzip",
                    compression_opts=9, fletcher32=True)


def sketch_trace(source, target):
    """Writes the sketch of a trace that is on disk."""
    with h5py.File(source) as trace:
        sketch = SketchFile(target, dict(trace.attrs))

        def copy(path, item):
            if isinstance(item, h5py.Dataset):
                sketch.write(path, torch.from_numpy(item[()].astype(np.float32)))
                return
            for name, value in item.attrs.items():
                sketch.group(path).attrs[name] = value
            for name, member in item.items():
                copy(f"{path}/{name}", member)

        for part in ("taps", "prediction"):
            if part in trace:
                copy(f"/{part}", trace[part])
    sketch.close()
    return sketch


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    partial = options.output.with_name(options.output.name + ".partial")
    try:
        sketch = sketch_trace(options.trace, partial)
        os.replace(partial, options.output)
    finally:
        partial.unlink(missing_ok=True)
    print(f"{options.output}: {len(sketch.taps)} taps in {len(sketch.sketches)} rows, "
          f"{options.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
