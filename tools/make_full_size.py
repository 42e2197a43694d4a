#!/usr/bin/env python3
"""Makes a checkpoint of an official variant with torch-seeded weights, which parity is measured on.

    python tools/make_full_size.py --variant sam2.1_hiera_t --seed 0 --output out/sam2.1_hiera_t.pt

The weights are what PyTorch's initialisers give after `torch.manual_seed(seed)`, so anyone can make the same. Of
such a model mask logits stay within ±0.4 and object scores around 0; --tracking brings them to where a trained
model's are, so that objects count as present and memories hold more than grey.
"""

import argparse
from pathlib import Path

import torch

import official_model

OBJECT_SCORE = 5.0  # bias of the object score
LOGIT_GAIN = 32.0  # brings the largest mask logits to about 10: 0.2 to 0.36 before, for tiny on a frame of a video


def make_trackable(model):
    """Lets every object count as present, and mask logits reach magnitudes of about 10."""
    decoder = model.sam_mask_decoder
    decoder.pred_obj_score_head.layers[-1].bias.data.fill_(OBJECT_SCORE)
    for network in decoder.output_hypernetworks_mlps:
        network.layers[-1].weight.data *= LOGIT_GAIN
        network.layers[-1].bias.data *= LOGIT_GAIN


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", required=True, choices=official_model.VARIANTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tracking", action="store_true", help="let objects count as present and masks be decided")
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    model = official_model.build(official_model.variant_configuration(options.variant))
    if options.tracking:
        make_trackable(model)
    state = model.state_dict()
    official_model.save_checkpoint(state, options.output)
    print(f"{options.output}: {len(state)} tensors, {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
