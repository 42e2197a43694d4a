#!/usr/bin/env python3
"""Makes the picture that recordings of the micro model use, and its prompts.

Writes Reference/micro.png, micro.mask.png, and micro.prompts.json with those of micro_unstable and micro_multimask. The same
versions of the packages give the same bytes.

    python tools/make_picture.py
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 320, 240  # pixels; not square, so that the resize to the model's square changes the aspect

# Single masks that are stable, so that they are kept.
SINGLE = {
    "multimask": False,
    "objects": [
        {"id": 1, "points": [[104, 132], [214, 70]], "labels": [1, 0]},
        {"id": 2, "box": [168, 34, 282, 156]},
        {"id": 3, "points": [[226, 92]], "labels": [1], "box": [168, 34, 282, 156]},
    ],
}
# Single masks that are not: the best of three takes their place.
UNSTABLE = {
    "multimask": False,
    "objects": [
        {"id": 1, "points": [[5, 235]], "labels": [1]},
        {"id": 2, "points": [[160, 230]], "labels": [1]},
    ],
}
MULTIMASK = {
    "multimask": True,
    "objects": [{"id": 1, "points": [[104, 132]], "labels": [1], "mask": "micro.mask.png"}],
}


def picture(seed):
    """A disc and a leaning rectangle on a textured ground, and the disc's mask."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = 14 * np.sin(x / 9.0 + y / 23.0) + 10 * np.sin(y / 7.0 - x / 31.0)
    ground = np.stack([92 + waves, 118 + 0.6 * waves, 84 - 0.4 * waves], axis=-1)
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    disc = (58, 86, 150, 178)
    ImageDraw.Draw(mask).ellipse(disc, fill=255)
    draw = ImageDraw.Draw(image)
    draw.ellipse((disc[0] + 8, disc[1] + 10, disc[2] + 8, disc[3] + 10), fill=(52, 66, 50))
    draw.ellipse(disc, fill=(208, 84, 58))
    draw.ellipse((76, 100, 104, 124), fill=(236, 150, 120))
    draw.polygon([(196, 36), (280, 60), (254, 154), (170, 130)], fill=(70, 104, 190))
    draw.line([(190, 58), (266, 80)], fill=(222, 214, 120), width=9)
    image = image.filter(ImageFilter.GaussianBlur(0.8))
    noise = random.normal(0, 6, (HEIGHT, WIDTH, 3))
    pixels = np.clip(np.asarray(image, np.float64) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels), mask


def write_json(path, value):
    """One object per line, so that a prompt can be read and changed."""
    lines = ",\n    ".join(json.dumps(item) for item in value["objects"])
    path.write_text(
        f'{{\n  "multimask": {json.dumps(value["multimask"])},\n  "objects": [\n    {lines}\n  ]\n}}\n')


def main():
    image, mask = picture(seed=0)
    image.save(ROOT / "Reference/micro.png", optimize=True)
    mask.save(ROOT / "Reference/micro.mask.png", optimize=True)
    write_json(ROOT / "Reference/micro.prompts.json", SINGLE)
    write_json(ROOT / "Reference/micro_unstable.prompts.json", UNSTABLE)
    write_json(ROOT / "Reference/micro_multimask.prompts.json", MULTIMASK)


if __name__ == "__main__":
    main()
