#!/usr/bin/env python3
"""Makes Reference/validation and other sets like it: pictures and clips with exact masks, from public-domain cut-outs
and own textures.

Only cut-outs that training never sees are used. The same packages and versions give the same files: what a picture or
clip shows depends on the seed, its number and, for a clip, the count of frames. Pictures and clips of the same numbers
are replaced in the folder, others stay.

    python tools/train_micro/make_validation.py --assets assets.npz --pictures 32 --clips 2 --frames 28
    python tools/train_micro/make_validation.py --assets assets.npz --pictures 0 --clips 6 --first 2 --quality 80
    python tools/train_micro/make_validation.py --assets assets.npz --pictures 64 --clips 20 --seed 7 --output unseen
"""

import argparse
import shutil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from paths import archive
from scenes import Assets, Composer

ROOT = Path(__file__).resolve().parent.parent.parent
SIDE = 384  # pixels; the scene is composed as a square and cut to its shape
SHAPES = [(384, 288), (320, 256), (288, 352), (352, 352)]  # width and height, in turn
MOST = 100  # pictures, and clips, of a seed: names have two digits, and clips' numbers follow the pictures'
SMALLEST = 0.012  # of the picture: smaller objects are not asked for


def kept(owners, present):
    """The index maps with the objects numbered anew, and those left out that are small on the first frame."""
    sizes = np.bincount(owners[0].ravel(), minlength=256)
    numbers = [number for number in range(1, 256) if sizes[number] >= SMALLEST * owners[0].size and present(number)]
    table = np.zeros(256, np.uint8)
    table[numbers] = np.arange(1, len(numbers) + 1)
    return table[owners], len(numbers)


def scene(composer, seed, number, frames):
    """The first scene of this seed and number with two to five objects, cut to the number's shape.

    A clip has at least three, one of which is hidden for a while.
    """
    width, height = SHAPES[number % len(SHAPES)]
    x, y = (SIDE - width) // 2, (SIDE - height) // 2
    for attempt in range(1000):
        random = np.random.default_rng([seed, number, attempt])
        pictures, owners = composer.clip(random, frames, 0.5 if frames > 1 else 0.0)
        pictures, owners = (part[:, y:y + height, x:x + width] for part in (pictures, owners))
        seen = [np.bincount(frame.ravel(), minlength=256) > 0.002 * frame.size for frame in owners]
        share = np.mean(seen, 0)
        owners, count = kept(owners, lambda number: share[number] > 0.6)
        hidden = [share[number] for number in range(1, 256) if 0.6 < share[number] < 1]
        if (2 if frames == 1 else 3) <= count <= 5 and (frames == 1 or hidden):
            return pictures, owners
    raise RuntimeError("no fitting scene")


def write_mask(owners, path):
    """An index map as an indexed PNG: 0 is the ground, objects count from 1."""
    image = Image.fromarray(owners, mode="P")
    palette = np.zeros((256, 3), np.uint8)
    palette[1:7] = [(230, 60, 60), (60, 160, 230), (90, 200, 90), (240, 190, 50), (170, 90, 210), (90, 210, 200)]
    image.putpalette(palette.reshape(-1).tolist())
    image.save(path, optimize=True)


def write_picture(picture, path, quality):
    cv2.imwrite(str(path), picture[..., ::-1], [
        cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--assets", type=archive, required=True, help="file made by pack.py")
    parser.add_argument("--output", type=Path, default=ROOT / "Reference/validation")
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=24, help="of a clip")
    parser.add_argument("--seed", type=int, default=2024, help="another gives other scenes")
    parser.add_argument("--first", type=int, default=0, help="number of the first picture and of the first clip")
    parser.add_argument("--quality", type=int, default=90, choices=range(1, 101), metavar="1...100", help="of JPEG")
    options = parser.parse_args()
    if options.frames < 3:
        parser.error(f"--frames {options.frames}: expected at least 3, as the first and the last are not judged")
    for name in ("pictures", "clips", "seed", "first"):
        if getattr(options, name) < 0:
            parser.error(f"--{name} {getattr(options, name)}: expected at least 0")
    if options.first + max(options.pictures, options.clips) > MOST:
        parser.error(f"expected pictures and clips numbered below {MOST}; use another --seed for more")
    assets = Assets(
        options.assets, "validation", lambda name: name.startswith("openclipart/"))
    composer = Composer(assets, SIDE)
    (options.output / "pictures").mkdir(parents=True, exist_ok=True)
    for number in range(options.first, options.first + options.pictures):
        pictures, owners = scene(composer, options.seed, number, 1)
        write_picture(pictures[0], options.output / f"pictures/{number:02}.jpg", options.quality)
        write_mask(owners[0], options.output / f"pictures/{number:02}.png")
    for number in range(options.first, options.first + options.clips):
        pictures, owners = scene(composer, options.seed, MOST + number, options.frames)
        folder = options.output / f"clips/{number:02}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "frames").mkdir(parents=True)
        (folder / "masks").mkdir()
        for frame in range(options.frames):
            write_picture(pictures[frame], folder / f"frames/{frame:05}.jpg", options.quality)
            write_mask(owners[frame], folder / f"masks/{frame:05}.png")


if __name__ == "__main__":
    main()
