#!/usr/bin/env python3
"""Makes Reference/validation: pictures and clips with exact masks, from public-domain cut-outs and own textures.

Only cut-outs that training never sees are used. The same packages and versions give the same files.

    python tools/train_micro/make_validation.py --assets assets.npz
"""

import argparse
import shutil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from scenes import Assets, Composer

ROOT = Path(__file__).resolve().parent.parent.parent
SIDE = 384  # pixels; the scene is composed as a square and cut to its shape
SHAPES = [(384, 288), (320, 256), (288, 352), (352, 352)]  # width and height, in turn
PICTURES, CLIPS, FRAMES = 16, 2, 28
SMALLEST = 0.012  # of the picture: smaller objects are not asked for


def kept(owners, present):
    """The index maps with the objects numbered anew, and those left out that are small on the first frame."""
    sizes = np.bincount(owners[0].ravel(), minlength=256)
    numbers = [number for number in range(1, 256) if sizes[number] >= SMALLEST * owners[0].size and present(number)]
    table = np.zeros(256, np.uint8)
    table[numbers] = np.arange(1, len(numbers) + 1)
    return table[owners], len(numbers)


def scene(composer, seed, size, frames):
    """The first scene from this seed on with two to five objects, cut to size.

    A clip has at least three, one of which is hidden for a while.
    """
    width, height = size
    x, y = (SIDE - width) // 2, (SIDE - height) // 2
    for attempt in range(1000):
        random = np.random.default_rng([2024, seed, attempt])
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


def write_picture(picture, path):
    cv2.imwrite(str(path), picture[..., ::-1], [
        cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=Path, required=True, help="file made by pack.py")
    parser.add_argument("--output", type=Path, default=ROOT / "Reference/validation")
    options = parser.parse_args()
    assets = Assets(
        options.assets, "validation", lambda name: name.startswith("openclipart/"))
    composer = Composer(assets, SIDE)
    for part in ("pictures", "clips"):
        shutil.rmtree(options.output / part, ignore_errors=True)
    (options.output / "pictures").mkdir(parents=True)
    for number in range(PICTURES):
        pictures, owners = scene(composer, number, SHAPES[number % len(SHAPES)], 1)
        write_picture(pictures[0], options.output / f"pictures/{number:02}.jpg")
        write_mask(owners[0], options.output / f"pictures/{number:02}.png")
    for number in range(CLIPS):
        folder = options.output / f"clips/{number:02}"
        (folder / "frames").mkdir(parents=True)
        (folder / "masks").mkdir()
        pictures, owners = scene(composer, 100 + number, SHAPES[number], FRAMES)
        for frame in range(FRAMES):
            write_picture(pictures[frame], folder / f"frames/{frame:05}.jpg")
            write_mask(owners[frame], folder / f"masks/{frame:05}.png")


if __name__ == "__main__":
    main()
