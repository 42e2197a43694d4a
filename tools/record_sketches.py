#!/usr/bin/env python3
"""Records the sketches that every variant is verified against: official code, synthesized weights, a picture, a video.

    swift build -c release
    python tools/record_sketches.py                              # all eight variants, half an hour
    python tools/record_sketches.py --variant sam2.1_hiera_tiny --run video

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

# What only a video runs, in all detail; of the rest, which a picture has in detail, each module as a whole.
VIDEO_TAPS = [
    "image_encoder", "sam_prompt_encoder*", "sam_mask_decoder", "memory_attention*", "memory_encoder*", "obj_ptr*"]

# What is recorded of every variant: a name and the recorder's arguments. Memories are made of masks' probabilities even
# where an object is prompted: from ±0 at a pixel, a rounding would make it all or nothing, and tell apart what follows.
RUNS = {
    "image": ["--image", ROOT / "Reference/micro.png", "--prompts", ROOT / "Reference/micro.prompts.json"],
    "video": ["--video", ROOT / "Reference/clips/shapes", "--prompts", ROOT / "Reference/sketches/video.prompts.json",
              "--set", "binarize_mask_from_pts_for_mem_enc=false",
              *(word for tap in VIDEO_TAPS for word in ("--tap", tap))],
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
