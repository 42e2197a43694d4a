#!/usr/bin/env python3
"""Makes the micro model and the picture that its recordings use.

Writes Weights/sam2.1_micro.pt (from Weights/sam2.1_micro.yaml) and Reference/micro.png, micro.mask.png,
micro.prompts.json and micro_multimask.prompts.json. The same versions of the packages give the same bytes.

    python tools/make_micro.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

import official_model

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 320, 240  # pixels; not square, so that the resize to 192 x 192 changes the aspect
LOGIT_GAIN = 3.0  # brings mask logits, the sum of transformer_dim / 8 products, to magnitudes around 10
OBJECT_SCORE = 5.0  # bias of the object score: every object counts as present

# Single masks: the first and the last are stable and kept; the second falls back to the best of three.
SINGLE = {
    "multimask": False,
    "objects": [
        {"id": 1, "points": [[104, 132], [214, 70]], "labels": [1, 0]},
        {"id": 2, "box": [168, 34, 282, 156]},
        {"id": 3, "points": [[226, 92]], "labels": [1], "box": [168, 34, 282, 156]},
    ],
}
MULTIMASK = {
    "multimask": True,
    "objects": [{"id": 1, "points": [[104, 132]], "labels": [1], "mask": "micro.mask.png"}],
}


def weights(seed):
    """A state dict of random weights under which activations neither die out nor grow.

    Every matrix and kernel is normal with variance 1 / inputs. Parameters that start at zero, one or 1e-6 in
    PyTorch are spread out too: as they are, an error in reading or applying them would not show.
    """
    torch.manual_seed(seed)
    model = official_model.build(ROOT / "Weights/sam2.1_micro.yaml")
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape)
        if name.endswith("gamma") or "norm" in name and name.endswith("weight"):
            parameter.data = 1 + 0.1 * noise
        elif parameter.ndim == 1:
            # LayerNorm2d inside a Sequential has no telling name; its scale starts as ones.
            starts_at_one = name.endswith("weight") and bool((parameter == 1).all())
            parameter.data = starts_at_one + 0.1 * noise
        elif "embed" in name or "enc" in name.split(".")[-1] or "token" in name or name.startswith("no_obj"):
            parameter.data = 0.3 * noise
        else:
            parameter.data = noise / parameter[0].numel() ** 0.5
    decoder = model.sam_mask_decoder
    for network in decoder.output_hypernetworks_mlps:
        network.layers[-1].weight.data *= LOGIT_GAIN
    decoder.pred_obj_score_head.layers[-1].bias.data.fill_(OBJECT_SCORE)
    return model.state_dict()


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
    state = weights(seed=0)
    checkpoint = ROOT / "Weights/sam2.1_micro.pt"
    official_model.save_checkpoint(state, checkpoint)
    image, mask = picture(seed=0)
    image.save(ROOT / "Reference/micro.png", optimize=True)
    mask.save(ROOT / "Reference/micro.mask.png", optimize=True)
    write_json(ROOT / "Reference/micro.prompts.json", SINGLE)
    write_json(ROOT / "Reference/micro_multimask.prompts.json", MULTIMASK)
    count = sum(tensor.numel() for tensor in state.values())
    print(f"{checkpoint.relative_to(ROOT)}: {len(state)} tensors, {count:,} values, "
          f"{checkpoint.stat().st_size / 1e6:.2f} MB, SHA-256 {official_model.sha256(checkpoint)}")


if __name__ == "__main__":
    main()
