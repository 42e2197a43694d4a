#!/usr/bin/env python3
"""Records the sketches that every variant is verified against: official code, synthesized weights, micro's picture.

    swift build -c release
    python tools/record_sketches.py                              # all eight variants, a few minutes
    python tools/record_sketches.py --variant sam2.1_hiera_tiny

Each checkpoint (150 to 900 MB) is synthesized into a temporary folder and removed afterwards.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import official_model

ROOT = Path(__file__).resolve().parent.parent
SAM2KIT = ROOT / ".build/release/sam2kit"
SEED = 1
SIZES = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
VARIANTS = [f"{family}_hiera_{size}" for family in ("sam2", "sam2.1") for size in SIZES]

# What is recorded of every variant: a name and the recorder's arguments. A video is one more line.
RUNS = {
    "image": ["--image", ROOT / "Reference/micro.png", "--prompts", ROOT / "Reference/micro.prompts.json"],
}


def configuration(variant):
    """The packaged YAML of a variant by its full name."""
    family, _, size = variant.split("_", 2)
    return official_model.variant_configuration(f"{family}_hiera_{SIZES[size]}")


def record(variant, run, checkpoint):
    output = ROOT / f"Reference/sketches/{variant}.{run}.h5"
    output.parent.mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, ROOT / "tools/record_reference.py", "--config", configuration(variant), "--checkpoint",
         checkpoint, *RUNS[run], "--output", output, "--sketch"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="all if not given; may be repeated")
    parser.add_argument("--run", choices=RUNS, action="append", help="all if not given; may be repeated")
    parser.add_argument("--work", type=Path, help="where the checkpoint lies meanwhile; a temporary folder if not given")
    options = parser.parse_args()
    for variant in options.variant or VARIANTS:
        with tempfile.TemporaryDirectory(dir=options.work) as folder:
            checkpoint = Path(folder) / f"{variant}.pt"
            subprocess.run([SAM2KIT, "synthesize", variant, checkpoint, "--seed", str(SEED)], check=True)
            for run in options.run or RUNS:
                record(variant, run, checkpoint)


if __name__ == "__main__":
    main()
