#!/usr/bin/env python3
"""Packs what the training composes its scenes from: cut-outs with alpha, and backgrounds.

The pictures come from Debian packages, which are downloaded and unpacked (not installed) under the work folder.
The result is one file of about 40 MB that holds WebP and JPEG streams; train.py decodes it into memory.

    python tools/train_micro/pack.py --work /var/tmp/micro --output /var/tmp/micro/assets.npz
"""

import argparse
import hashlib
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

PACKAGES = [
    "tuxpaint-stamps-default", "openclipart-png", "fonts-noto-color-emoji", "gnome-backgrounds",
    "plasma-workspace-wallpapers", "mate-backgrounds", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04",
    "ukui-wallpapers",
]
Image.MAX_IMAGE_PIXELS = None  # the packages hold pictures of 600 megapixels; size is checked before decoding
CUT_OUT_SIDE = 176  # pixels of the longer side; scenes are 256 pixels a side
BACKGROUND_SIDE = 400  # pixels of the shorter side
FOLDER_LIMIT = 110  # cut-outs of one folder; openclipart has 1400 stars
EMOJI = [*range(0x1F300, 0x1FAFF), *range(0x2600, 0x27C0), *range(0x2B00, 0x2B60)]


def held_out(name):
    """Whether a cut-out or background is kept for validation: a tenth of them, by the SHA-256 of the name."""
    return hashlib.sha256(name.encode()).digest()[0] % 10 == 0


def unpack(work):
    """Downloads and unpacks the packages and gives the folder they lie under."""
    downloads, root = work / "packages", work / "root"
    downloads.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        found = sorted(downloads.glob(f"{package}_*.deb"))
        if not found:
            subprocess.run(["apt-get", "download", "--quiet", package], cwd=downloads, check=True)
            found = sorted(downloads.glob(f"{package}_*.deb"))
        if not (root / f"usr/share/doc/{package}").exists():
            subprocess.run(["dpkg", "-x", found[0], root], check=True)
    return root


def fitting(rgba):
    """A cut-out cropped to its alpha and shrunk, or None where it is no good object to cut out."""
    alpha = rgba[..., 3]
    if (alpha > 127).mean() > 0.995:
        return None
    columns, rows = np.flatnonzero((alpha > 24).any(0)), np.flatnonzero((alpha > 24).any(1))
    if len(columns) < 48 or len(rows) < 48:
        return None
    rgba = rgba[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    scale = CUT_OUT_SIDE / max(rgba.shape[:2])
    if scale < 1:
        size = (max(1, round(rgba.shape[1] * scale)), max(1, round(rgba.shape[0] * scale)))
        straight = rgba.astype(np.float32)
        straight[..., :3] *= straight[..., 3:] / 255
        straight = cv2.resize(straight, size, interpolation=cv2.INTER_AREA)
        straight[..., :3] /= np.maximum(straight[..., 3:] / 255, 1e-3)
        rgba = np.clip(straight + 0.5, 0, 255).astype(np.uint8)
    solid = (rgba[..., 3] > 127).astype(np.uint8)
    if not 0.12 < solid.mean() < 0.97 or min(rgba.shape[:2]) < 28:
        return None
    _, _, statistics, _ = cv2.connectedComponentsWithStats(solid)
    if statistics[1:, cv2.CC_STAT_AREA].max(initial=0) < 0.8 * solid.sum():
        return None
    # What is thinner than 7 pixels vanishes: line drawings do, nearly whole.
    thick = cv2.morphologyEx(np.pad(solid, 8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    return rgba if thick.sum() > 0.65 * solid.sum() else None


def picture_files(root):
    """Cut-outs' files, no more than the limit from one folder, in a fixed order."""
    counts = {}
    for folder in ("usr/share/tuxpaint/stamps", "usr/share/openclipart/png"):
        files = sorted((root / folder).rglob("*.png"), key=lambda path: hashlib.sha256(path.name.encode()).digest())
        for path in files:
            if "flags" in path.parts or "patterns" in path.parts or "computer/icons" in str(path):
                continue
            counts[path.parent] = counts.get(path.parent, 0) + 1
            if counts[path.parent] <= FOLDER_LIMIT:
                yield path


def emoji(root):
    """Colour emoji as (name, RGBA)."""
    font = ImageFont.truetype(str(next(root.rglob("NotoColorEmoji.ttf"))), 109)
    for code in EMOJI:
        if code == 0x1F595:  # the middle finger
            continue
        image = Image.new("RGBA", (160, 160))
        ImageDraw.Draw(image).text((12, 12), chr(code), font=font, embedded_color=True)
        yield f"emoji/{code:x}", np.asarray(image)


def cut_outs(root):
    """All cut-outs as (name, RGBA), each once."""
    seen = set()
    for path in picture_files(root):
        with Image.open(path) as image:
            if image.width * image.height > 6000 * 6000 or image.mode not in ("RGBA", "LA", "P"):
                continue
            image.thumbnail((4 * CUT_OUT_SIDE, 4 * CUT_OUT_SIDE))
            rgba = fitting(np.asarray(image.convert("RGBA")))
        if rgba is not None and rgba.tobytes() not in seen:
            seen.add(rgba.tobytes())
            yield str(path.relative_to(root / "usr/share")), rgba
    for name, rgba in emoji(root):
        rgba = fitting(rgba)
        if rgba is not None and rgba.tobytes() not in seen:
            seen.add(rgba.tobytes())
            yield name, rgba


def wallpapers(root):
    """Wallpapers' files; of one that comes in several sizes the largest."""
    largest = {}
    for folder in ("usr/share/backgrounds", "usr/share/wallpapers", "usr/share/lomiri-wallpapers"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".jpg", ".jpeg", ".png", ".webp") or path.name.startswith("screenshot"):
                continue
            if path.is_symlink():
                continue
            key = str(path.parent) if path.parent.name.startswith("images") else str(path)
            if key not in largest or path.stat().st_size > largest[key].stat().st_size:
                largest[key] = path
    return largest.values()


def backgrounds(root):
    """Backgrounds as (name, RGB): each wallpaper whole, and three cuttings of it at a larger scale."""
    for path in wallpapers(root):
        with Image.open(path) as image:
            image.thumbnail((3200, 3200))
            whole = np.asarray(image.convert("RGB"))
        if min(whole.shape[:2]) < 700:
            continue
        name = str(path.relative_to(root / "usr/share"))
        random = np.random.default_rng(list(name.encode()))
        for cutting in range(4):
            height, width = whole.shape[:2]
            side = min(height, width) if cutting == 0 else int(min(height, width) * random.uniform(0.3, 0.55))
            y, x = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
            part = whole if cutting == 0 else whole[y:y + side, x:x + side]
            scale = BACKGROUND_SIDE / min(part.shape[:2])
            size = [min(640, round(length * scale)) for length in part.shape[1::-1]]
            part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            if part.std() > 6:
                yield f"{name}#{cutting}", part


def packed(pictures, extension, quality):
    """Names, ends and the joined streams of (name, picture) pairs."""
    names, streams = [], []
    for name, picture in pictures:
        order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
        _, stream = cv2.imencode(extension, cv2.cvtColor(picture, order), quality)
        names.append(name)
        streams.append(stream.reshape(-1))
    return np.array(names), np.cumsum([len(stream) for stream in streams]), np.concatenate(streams)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", required=True, type=Path, help="folder for the packages, 600 MB")
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()
    root = unpack(options.work)
    sets = {}
    for kind, pictures, extension, quality in (
            ("cut_outs", cut_outs(root), ".webp", [cv2.IMWRITE_WEBP_QUALITY, 82]),
            ("backgrounds", backgrounds(root), ".jpg", [cv2.IMWRITE_JPEG_QUALITY, 85])):
        names, ends, streams = packed(pictures, extension, quality)
        sets |= {f"{kind}_names": names, f"{kind}_ends": ends, f"{kind}_streams": streams}
        kept = sum(map(held_out, names))
        print(f"{kind}: {len(names)}, of which {kept} held out; {len(streams) / 1e6:.1f} MB", flush=True)
    partial = options.output.with_suffix(".partial.npz")
    np.savez(partial, **sets)
    os.replace(partial, options.output)


if __name__ == "__main__":
    main()
