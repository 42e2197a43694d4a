#!/usr/bin/env python3
"""Proves the naming of Hugging Face's transformers with transformers itself.

    swift build -c release
    python tools/prove_transformers.py --work /tmp/transformers

For each variant: a synthesized checkpoint converts to a folder that Sam2VideoModel.from_pretrained takes without a
missing, unexpected or misshaped key, and what save_pretrained writes converts back to the same bits. For those under
--compute, both codes then run on the same prepared pixels: a picture, compared module by module, and a video. Exits
with 1 if something doesn't hold.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import torch

import official_model
from make_full_size import make_trackable
from transformers_parity import PIXEL_SIZE, compare_picture, compare_video

VARIANTS = tuple(f"{family}_hiera_{size}" for family in ("sam2", "sam2.1")
                 for size in ("tiny", "small", "base_plus", "large"))
SHORT = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
TOLERANCE = 1e-4  # of the largest magnitude; what differs is the order of sums
PROMPTS = [(1, [[60.0, 60.0], [90.0, 80.0]], [1, 0]), (2, [[120.0, 40.0], [110.0, 50.0]], [1, 1])]
REPOSITORY = Path(__file__).resolve().parent.parent


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def differing(first, second):
    """Names of tensors that aren't the same in both."""
    return sorted(first.keys() ^ second.keys()) + [
        name for name in first.keys() & second.keys()
        if first[name].dtype != second[name].dtype or first[name].shape != second[name].shape
        or first[name].flatten().view(torch.uint8).ne(second[name].flatten().view(torch.uint8)).any()]


def loaded(kind, folder):
    """A model of transformers out of a folder, and what it complained of."""
    model, report = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    complaints = {key: report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]}
    return model.eval(), complaints


def convert_and_return(sam2kit, checkpoint, work):
    """Converts to a folder, loads it, saves it and converts back. Returns the model and what went wrong."""
    from transformers import Sam2Model, Sam2VideoModel

    folder, saved, back = work / "folder", work / "saved", work / "back.pt"
    run(sam2kit, "convert", checkpoint, folder, "--naming", "transformers")
    model, complaints = loaded(Sam2VideoModel, folder)
    problems = [f"Sam2VideoModel: {complaints}"] if complaints else []
    picture, complaints = loaded(Sam2Model, folder)
    if complaints:
        problems.append(f"Sam2Model: {complaints}")
    model.save_pretrained(saved)
    run(sam2kit, "convert", saved, back)
    load = lambda path: torch.load(path, weights_only=True)["model"]
    changed = differing(load(checkpoint), load(back))
    if changed:
        problems.append(f"not the same bits after save_pretrained: {changed[:3]}")
    if subprocess.run([sam2kit, "diff", checkpoint, saved], stdout=subprocess.DEVNULL).returncode:
        problems.append("sam2kit diff finds differences")
    return model, picture, folder, problems


def compute(variant, checkpoint, model, picture, folder, frames):
    """Runs both codes. Returns the rows (what, relative error)."""
    from transformers import Sam2VideoProcessor

    tree = official_model.configuration(official_model.variant_configuration(configuration_name(variant)))
    official = official_model.build(tree, checkpoint)
    names = official_names(folder, official)
    torch.manual_seed(1)
    pixels = torch.randn(1, 3, PIXEL_SIZE, PIXEL_SIZE)
    points, labels = torch.tensor([[[300.0, 500.0], [600.0, 200.0]]]), torch.tensor([[1, 0]], dtype=torch.int32)
    rows = [("picture, " + what, error)
            for what, error in compare_picture(official, picture, names, pixels, points, labels)]
    processor = Sam2VideoProcessor.from_pretrained(folder)
    rows += [("video, " + what, error)
             for what, error in compare_video(official_model.video_configuration(tree), checkpoint, model, processor,
                                              frames, PROMPTS)]
    return rows


def official_names(folder, official):
    """Official names and transformers', paired by content. Biases of seeded weights may be alike; matrices aren't."""
    from safetensors.torch import load_file

    digest = lambda tensor: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
    by_content = {digest(tensor): name for name, tensor in load_file(folder / "model.safetensors").items()
                  if tensor.ndim > 1}
    names = {name: by_content.get(digest(tensor)) for name, tensor in official.state_dict().items()}
    return {name: other for name, other in names.items() if other}


def configuration_name(variant):
    family, _, size = variant.partition("_hiera_")
    return f"{family}_hiera_{SHORT[size]}"


def make_full_size(variant, checkpoint):
    """Torch-seeded weights that track."""
    torch.manual_seed(0)
    model = official_model.build(official_model.variant_configuration(configuration_name(variant)))
    make_trackable(model)
    official_model.save_checkpoint(model.state_dict(), checkpoint)


def prove(variant, options):
    work = options.work / variant
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / f"{variant}.pt"
    if variant in options.compute:
        make_full_size(variant, checkpoint)
    else:
        run(options.sam2kit, "synthesize", variant, checkpoint, "--seed", 1)
    model, picture, folder, problems = convert_and_return(options.sam2kit, checkpoint, work)
    print(f"{variant}: {len(model.state_dict())} tensors, {'; '.join(problems) or 'loads strictly, returns bit for bit'}")
    if variant in options.compute:
        frames = work / "frames"
        frames.mkdir(exist_ok=True)
        for file in sorted(options.video.glob("*.jpg"))[:options.frames]:
            shutil.copy(file, frames)
        rows = compute(variant, checkpoint, model, picture, folder, frames)
        for part in ("picture, ", "video, "):
            these = [row for row in rows if row[0].startswith(part)]
            what, error = max(these, key=lambda row: row[1])
            print(f"  {len(these)} results of a {part[:-2]}, worst {what.removeprefix(part)}: {error:.1e}")
        for what, error in rows:
            if what.startswith(("picture, low", "video, low")):
                print(f"  {what}: {error:.1e}")
        problems += [f"{what}: {error:.1e}" for what, error in rows if not error <= TOLERANCE]
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="all if not given")
    parser.add_argument("--compute", action="append", choices=VARIANTS, default=[],
                        help="run both codes for that variant, too")
    parser.add_argument("--video", type=Path, default=REPOSITORY / "Reference/clips/shapes",
                        help="a folder of JPEG files")
    parser.add_argument("--frames", type=int, default=3, help="how many of them to track")
    parser.add_argument("--sam2kit", type=Path, default=REPOSITORY / ".build/release/sam2kit")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    print(f"transformers {version('transformers')}, sam2 {version('sam2')}, torch {version('torch')}")
    problems = []
    for variant in options.variant or VARIANTS:
        problems += [f"{variant}: {problem}" for problem in prove(variant, options)]
        shutil.rmtree(options.work / variant)
    for problem in problems:
        print(f"FAILED {problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
