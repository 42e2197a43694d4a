"""The official SAM 2 model, built as `sam2.build_sam.build_sam2` does, from any YAML file and on the CPU."""

import hashlib
import os
from pathlib import Path

import sam2
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

# What build_sam2 adds with apply_postprocessing=True; no official YAML holds these.
POSTPROCESSING = {
    "dynamic_multimask_via_stability": True,
    "dynamic_multimask_stability_delta": 0.05,
    "dynamic_multimask_stability_thresh": 0.98,
}

VARIANTS = tuple(
    f"{family}_hiera_{size}" for family in ("sam2", "sam2.1") for size in ("t", "s", "b+", "l")
)


def variant_configuration(variant):
    """The packaged YAML file of an official variant such as `sam2.1_hiera_t`."""
    family = variant.split("_")[0]
    return Path(sam2.__path__[0]) / "configs" / family / f"{variant}.yaml"


def build(configuration, checkpoint=None, postprocessing=True):
    """Builds `SAM2Base` in evaluation mode from a YAML file, with a checkpoint's weights if one is given."""
    tree = OmegaConf.load(configuration)
    if postprocessing:
        for name, value in POSTPROCESSING.items():
            OmegaConf.update(tree, f"model.sam_mask_decoder_extra_args.{name}", value, force_add=True)
    OmegaConf.resolve(tree)
    model = instantiate(tree.model, _recursive_=True)
    if checkpoint is not None:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
        model.load_state_dict(state, strict=True)
    return model.eval()


def feature_sizes(model):
    """Sides of the three feature maps that the image predictor keeps, (height, width), finest first.

    `SAM2ImagePredictor` has these fixed for a picture size of 1024; any other size has to set them.
    """
    return [(model.image_size // stride, model.image_size // stride) for stride in (4, 8, 16)]


def save_checkpoint(state, path):
    """Writes `{"model": state}` with `torch.save` to a partial folder beside `path`, then renames.

    torch.save names the archive's folder after the file, so the partial file already has the final name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.parent / f"{path.name}.partial"
    folder.mkdir(exist_ok=True)
    torch.save({"model": state}, folder / path.name)
    os.replace(folder / path.name, path)
    folder.rmdir()


def sha256(path):
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
