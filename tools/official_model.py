"""The official SAM 2 model, built as `sam2.build_sam` does, from any YAML file and on the CPU."""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import sam2
import torch
import yaml
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


def configuration(path, overrides=()):
    """A YAML file's tree; an override `key=value` sets a key, dots allowed, of what stands under `model`."""
    tree = OmegaConf.load(path)
    for override in overrides:
        key, _, value = override.partition("=")
        OmegaConf.update(tree, f"model.{key}", yaml.safe_load(value), force_add=True)
    return tree


def video_configuration(tree):
    """The tree with fill_hole_area, which official code leaves undone on a CPU, set to 0 unless it says otherwise."""
    tree = tree.copy()
    tree.model.setdefault("fill_hole_area", 0)
    return tree


def yaml_text(tree):
    """A tree as YAML text."""
    return OmegaConf.to_yaml(tree)


def build(tree, checkpoint=None, postprocessing=True):
    """Builds `SAM2Base` in evaluation mode from a tree or a YAML file, with a checkpoint's weights if one is given."""
    tree = tree.copy() if OmegaConf.is_config(tree) else OmegaConf.load(tree)
    if postprocessing:
        for name, value in POSTPROCESSING.items():
            OmegaConf.update(tree, f"model.sam_mask_decoder_extra_args.{name}", value, force_add=True)
    OmegaConf.resolve(tree)
    model = instantiate(tree.model, _recursive_=True)
    if checkpoint is not None:
        load(model, checkpoint)
    return model.eval()


def load(model, checkpoint):
    """Gives a model all weights of a checkpoint; where they are another model's, says so and exits with 2."""
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
    expected, found = ({name: list(values.shape) for name, values in state.items()}
                       for state in (model.state_dict(), weights))
    others = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if others:
        name = others[0]
        print(f"{checkpoint}: {len(others)} of {len(expected | found)} tensors are not the configuration's, first {name}: "
              f"expected {expected.get(name, 'none')}, found {found.get(name, 'none')}", file=sys.stderr)
        sys.exit(2)
    model.load_state_dict(weights)


def build_video(tree, checkpoint, predictor):
    """Builds the class of a video predictor from a tree, with what build_sam2_video_predictor adds to it."""
    tree = tree.copy()
    OmegaConf.update(tree, "model._target_", f"{predictor.__module__}.{predictor.__qualname__}")
    tree.model.setdefault("binarize_mask_from_pts_for_mem_enc", True)
    return build(tree, checkpoint)


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


def directory_sha256(path):
    """SHA-256 of what a zip archive says of its parts, a line for each in the order of their names; None of other files.

    `sam2kit` identifies large checkpoints by it; see checkpoint_directory_sha256 in Reference/README.md.
    """
    if not zipfile.is_zipfile(path):
        return None
    entries = sorted(zipfile.ZipFile(path).infolist(), key=lambda entry: entry.filename.encode())
    lines = (f"{entry.filename}\t{entry.file_size}\t{entry.CRC:08x}\n" for entry in entries)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
