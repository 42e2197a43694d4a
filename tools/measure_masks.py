#!/usr/bin/env python3
"""Holds `sam2kit masks` against the official SAM2AutomaticMaskGenerator on one picture: how many masks, how alike, how long.

    python tools/measure_masks.py --variant sam2.1_hiera_t --checkpoint tiny.pt --image groceries.jpg \
        --sam2kit .build/release/sam2kit --option points_per_side=16 --option crop_n_layers=1 --option use_m2m=true

Options are the official generator's, by its names. Prints JSON; masks without a counterpart come with how far their scores
are from the thresholds. Exits with 1 where one without is farther than 1e-3 from all of them.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pycocotools.mask as coco
import torch
import yaml
from PIL import Image
from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

import official_model

DEFAULTS = {"pred_iou_thresh": 0.8, "stability_score_thresh": 0.95}


def arguments_of(options):
    """The program's arguments for the official generator's options."""
    found = []
    for name, value in options.items():
        if name == "multimask_output":
            found += [] if value else ["--single-mask"]
        elif name == "use_m2m":
            found += ["--use-m2m"] if value else []
        else:
            found += ["--" + name.replace("_", "-"), str(value)]
    return found


def official(arguments, options):
    model = official_model.build(
        official_model.configuration(arguments.config or official_model.variant_configuration(arguments.variant)),
        arguments.checkpoint)
    generator = SAM2AutomaticMaskGenerator(model, output_mode="coco_rle", **options)
    generator.predictor._bb_feat_sizes = official_model.feature_sizes(model)
    image = np.array(Image.open(arguments.image).convert("RGB"))
    start = time.monotonic()
    masks = generator.generate(image)
    return masks, time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def ours(arguments, options):
    with tempfile.TemporaryDirectory() as folder:
        command = [arguments.sam2kit, "masks", "--model", arguments.checkpoint, "--image", arguments.image,
                   "--output", folder, "--threads", str(arguments.threads), *arguments_of(options), *arguments.argument]
        if arguments.config:
            command += ["--config", arguments.config]
        start = time.monotonic()
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return json.loads(Path(folder, "masks.json").read_text()), seconds, peak


def matched(ious):
    """Pairs, the most alike first, each mask in one at most."""
    pairs, rows, columns = [], set(), set()
    for place in np.argsort(-ious, axis=None):
        row, column = divmod(int(place), ious.shape[1])
        if ious[row, column] < 0.99:
            break
        if row not in rows and column not in columns:
            pairs.append((row, column))
            rows.add(row)
            columns.add(column)
    return pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="sam2.1_hiera_t")
    parser.add_argument("--config", type=Path, help="a YAML instead of the variant's")
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--image", required=True, type=Path)
    parser.add_argument("--sam2kit", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--argument", action="append", default=[], help="for sam2kit alone, such as --argument=--backend=openblas")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    torch.set_num_threads(arguments.threads)
    options = {name: yaml.safe_load(value) for name, _, value in (text.partition("=") for text in arguments.option)}
    found, seconds, peak = ours(arguments, options)
    expected, official_seconds, official_peak = official(arguments, options)
    ious = coco.iou([mask["segmentation"] for mask in found], [mask["segmentation"] for mask in expected],
                    [0] * len(expected)) if found and expected else np.zeros((len(found), len(expected)))
    pairs = matched(ious)
    thresholds = {**DEFAULTS, **{name: options[name] for name in DEFAULTS if name in options}}

    def margins(mask):
        return {"predicted_iou": mask["predicted_iou"] - thresholds["pred_iou_thresh"],
                "stability_score": mask["stability_score"] - thresholds["stability_score_thresh"]}

    lone = ([{"only": "sam2kit", **margins(found[row])} for row in set(range(len(found))) - {row for row, _ in pairs}]
            + [{"only": "official", **margins(expected[column])}
               for column in set(range(len(expected))) - {column for _, column in pairs}])
    print(json.dumps({
        "sam2kit": len(found), "official": len(expected), "matched": len(pairs),
        "least_iou": min((float(ious[pair]) for pair in pairs), default=None),
        "largest_score_difference": max(
            (abs(found[row][name] - expected[column][name]) for row, column in pairs
             for name in ("predicted_iou", "stability_score")), default=None),
        "same_order": [column for _, column in sorted(pairs)] == sorted(column for _, column in pairs),
        "without_counterpart": lone, "seconds": seconds, "official_seconds": official_seconds,
        "peak_kb": peak, "official_peak_kb": official_peak}, indent=1))
    sys.exit(any(min(abs(entry["predicted_iou"]), abs(entry["stability_score"])) > 1e-3 for entry in lone))


if __name__ == "__main__":
    main()
