#!/usr/bin/env python3
"""Records everything in Reference/ again, which a new Weights/sam2.1_micro.pt asks for, and prints the sizes.

    python tools/record_all.py            # or some: python tools/record_all.py video/clicks video/masks
"""

import argparse
from pathlib import Path

import record_reference

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "Reference"
PICTURE = ("--image", REFERENCE / "micro.png")
CLIP = ("--video", REFERENCE / "clips/shapes")


def taps(*patterns):
    return [word for pattern in patterns for word in ("--tap", pattern)] or ["--no-taps"]


def at(*frames, objects=()):
    words = [word for frame in frames for word in ("--frame", frame)]
    return words + [word for identifier in objects for word in ("--object", identifier)]


# Name of the recording, input, name of its prompts, and what else the recorder is told.
RECORDINGS = [
    ("micro", PICTURE, "micro", taps("*")),
    ("micro_unstable", PICTURE, "micro_unstable", taps("sam_mask_decoder")),
    ("micro_multimask", PICTURE, "micro_multimask", taps("sam_prompt_encoder*", "sam_mask_decoder*")),
    ("video/clicks", CLIP, "video/clicks",
     taps("memory_attention", "memory_attention.layers.0*", "memory_attention.norm", "obj_ptr*") + at(2)),
    ("video/refined", CLIP, "video/refined",
     taps("memory_attention", "memory_encoder", "obj_ptr*", "sam_prompt_encoder", "sam_mask_decoder")
     + at(6, objects=[2])),
    ("video/masks", CLIP, "video/masks",
     taps("mask_downsample", "memory_encoder", "memory_encoder.mask_downsampler*", "memory_encoder.fuser.layers.0*",
          "obj_ptr*") + at(0, objects=[1])),
    ("video/reverse", CLIP, "video/reverse", taps("memory_attention", "obj_ptr*") + at(4)),
    ("video/leaving", CLIP, "video/leaving",
     taps("image_encoder.trunk.patch_embed", "memory_attention", "obj_ptr_tpos_proj") + at(12, 20)),
    ("video/edited", CLIP, "video/edited", taps("memory_attention", "obj_ptr_tpos_proj") + at(10, 20)),
    ("video/far", CLIP, "video/far", taps()),
    ("video/max_cond_frames_in_attn", CLIP, "video/max_cond_frames",
     taps() + ["--set", "max_cond_frames_in_attn=2"]),
    ("video/add_all_frames_to_correct_as_cond", CLIP, "video/corrected",
     taps() + ["--set", "add_all_frames_to_correct_as_cond=true"]),
    ("video/clear_non_cond_mem_around_input", CLIP, "video/corrected",
     taps() + ["--set", "clear_non_cond_mem_around_input=true"]),
    ("video/memory_temporal_stride_for_eval", CLIP, "video/strided",
     taps() + ["--set", "memory_temporal_stride_for_eval=2"]),
    ("video/non_overlap_masks", CLIP, "video/overlapping",
     taps() + ["--set", "non_overlap_masks=true", "--video-logits"]),
    ("video/non_overlap_masks_for_mem_enc", CLIP, "video/overlapping",
     taps() + ["--set", "non_overlap_masks_for_mem_enc=true"]),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *(name for name, *_ in RECORDINGS)],
                        help="such as video/clicks; all unless given")
    parser.add_argument("--output", type=Path, default=REFERENCE, metavar="FOLDER", help="Reference/ unless given")
    options = parser.parse_args()
    total = 0
    for name, source, prompts, others in RECORDINGS:
        if options.names and name not in options.names:
            continue
        output = options.output / f"{name}.h5"
        output.parent.mkdir(parents=True, exist_ok=True)
        words = [
            "--config", REFERENCE / "micro.yaml", "--checkpoint", ROOT / "Weights/sam2.1_micro.pt",
            *source, "--prompts", REFERENCE / f"{prompts}.prompts.json", "--output", output, "--compress", *others]
        record_reference.main([str(word) for word in words])
        total += output.stat().st_size
    print(f"{total / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
