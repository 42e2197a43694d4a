#!/usr/bin/env python3
"""Draws the clip that the video recordings use, and the mask prompts among their prompts.

Writes Reference/clips/shapes/00000.jpg … and Reference/video/disc.mask.png and card.mask.png. Three textured shapes
move over a textured ground: a disc (object 1) that leaves the picture on the right and comes back, a card (object 2)
that turns, and a triangle (object 3) that passes behind the card. Everything follows from formulas: the same version
of Pillow gives the same bytes.

    python tools/make_clip.py
    python tools/make_clip.py --annotations out/shapes    # the exact masks of all frames too, as indexed PNG files
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 160, 120  # pixels; not square
FRAMES = 24
FINE = 4  # samples per pixel and axis
QUALITY = 90  # of the JPEG files
DISC, CARD, TRIANGLE = 1, 2, 3  # object ids and, ascending, the order in which one covers the other from the front
PALETTE = [(0, 0, 0), (214, 78, 52), (60, 96, 200), (232, 206, 84)]


def turned(x, y, centre, angle):
    """Coordinates in pixels within a shape that stands at `centre`, turned by `angle` radians."""
    dx, dy = x - centre[0], y - centre[1]
    return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)


def shapes(frame, x, y):
    """Yields (id, where, colour [..., 3]) of the three shapes from back to front, at points in pixels."""
    u, v = turned(x, y, (136 - 4.2 * frame, 40 + 6 * np.sin(0.35 * frame)), 0.4 - 0.05 * frame)
    where = (v < 13) & (v > 1.9 * np.abs(u) - 17)
    wave = 18 * np.sin(0.9 * v)
    yield TRIANGLE, where, np.stack([226 + wave, 200 + wave, 78 - wave], axis=-1)

    u, v = turned(x, y, (62 + 1.1 * frame, 38 - 0.2 * frame), 0.35 + 0.06 * frame)
    where = (np.abs(u) < 21) & (np.abs(v) < 13)
    stripe = (np.abs(v - 3) < 2.6)[..., None]
    blue = np.stack([58 + 0 * u, 92 + 10 * np.sin(0.5 * u), 196 + 14 * np.sin(0.5 * u)], axis=-1)
    yield CARD, where, np.where(stripe, (228, 222, 198), blue)

    u, v = turned(x, y, (44 + 144 * np.sin(np.pi * frame / 23), 84 + 6 * np.sin(frame / 4)), 0.25 * frame)
    where = u * u + v * v < 17 * 17
    spot = ((u + 5) ** 2 + (v + 6) ** 2 < 25)[..., None]
    rings = 16 * np.sin(0.8 * np.hypot(u, v))
    red = np.stack([204 + rings, 74 + 0.6 * rings, 50 + 0 * u], axis=-1)
    yield DISC, where, np.where(spot, (244, 172, 138), red)


def ground(x, y):
    """The colour of the ground, [..., 3]."""
    waves = 12 * np.sin(x / 5.0 + y / 13.0) + 9 * np.sin(y / 4.0 - x / 17.0) + 6 * np.sin(x / 2.3) * np.sin(y / 2.9)
    return np.stack([84 + waves, 112 + 0.7 * waves + 0.15 * y, 78 - 0.4 * waves], axis=-1)


def draw(frame):
    """A frame [HEIGHT, WIDTH, 3] and the ids of what is seen at most of each pixel, [HEIGHT, WIDTH]."""
    y, x = (np.mgrid[0:HEIGHT * FINE, 0:WIDTH * FINE] + 0.5) / FINE
    colour = ground(x, y)
    seen = np.zeros(x.shape, np.uint8)
    for identifier, where, paint in shapes(frame, x, y):
        colour = np.where(where[..., None], paint, colour)
        seen[where] = identifier
    cells = (HEIGHT, FINE, WIDTH, FINE)
    pixels = colour.reshape(*cells, 3).mean(axis=(1, 3))
    shares = np.stack([(seen == identifier).reshape(cells).mean(axis=(1, 3)) for identifier in range(4)])
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8), shares.argmax(axis=0).astype(np.uint8)


def indexed(ids):
    """Ids as a PNG picture with a palette."""
    image = Image.fromarray(ids, "P")
    image.putpalette([value for colour in PALETTE for value in colour])
    return image


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=Path, metavar="FOLDER", help="where the masks of all frames go")
    options = parser.parse_args()
    clip, prompts = ROOT / "Reference/clips/shapes", ROOT / "Reference/video"
    for folder in (clip, prompts, options.annotations):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for frame in range(FRAMES):
        pixels, ids = draw(frame)
        path = clip / f"{frame:05d}.jpg"
        Image.fromarray(pixels).save(path, quality=QUALITY, subsampling=0)
        size += path.stat().st_size
        if options.annotations:
            indexed(ids).save(options.annotations / f"{frame:05d}.png", optimize=True)
        if frame == 0:
            Image.fromarray((ids == DISC) * np.uint8(255)).convert("1").save(prompts / "disc.mask.png", optimize=True)
            indexed(np.where(ids == CARD, ids, 0).astype(np.uint8)).save(prompts / "card.mask.png", optimize=True)
    print(f"{clip.relative_to(ROOT)}: {FRAMES} frames, {size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
