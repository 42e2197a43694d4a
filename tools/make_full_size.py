#!/usr/bin/env python3
"""Makes a checkpoint of an official variant with torch-seeded weights, which parity is measured on.

    python tools/make_full_size.py --variant sam2.1_hiera_t --seed 0 --output out/sam2.1_hiera_t.pt

The weights are what PyTorch's initialisers give after `torch.manual_seed(seed)`, so anyone can make the same.
"""

import argparse
from pathlib import Path

import torch

import official_model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", required=True, choices=official_model.VARIANTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    model = official_model.build(official_model.variant_configuration(options.variant))
    state = model.state_dict()
    official_model.save_checkpoint(state, options.output)
    print(f"{options.output}: {len(state)} tensors, {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
