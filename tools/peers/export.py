"""Exports the official model's parts to ONNX, once, into the cache folder: what ONNX Runtime and OpenVINO run.

    PYTHONPATH=tools python -m peers.export CHECKPOINT CACHE VARIANT KIND SIDE PROMPTS

Shapes are fixed, which both runtimes optimise best. The rotary position encoding, complex numbers in the official code, is
exported as the same arithmetic on pairs of real numbers.
"""

import os
import subprocess
import sys
from pathlib import Path

from .work import FULL_BANK, Settings, Unavailable, Work

# What goes into each graph; outputs are taken in their order.
INPUTS = {
    "encoder": ["sample"],
    "decoder": ["embedding", "fine", "middle", "coordinates", "labels"],
    "track": ["sample", "memories", "pointers"],
}


def file(cache, variant, work):
    """Where a graph lies."""
    return Path(cache) / f"{variant}.{work.kind}.{work.side}.{work.prompts}.onnx"


def graph(settings, work):
    """The graph's file, exported in a process of its own if it isn't there."""
    if work.kind == "clip" or (work.objects, work.memories) != (1, FULL_BANK):
        raise Unavailable("the exported graph is one object's frame with a full bank")
    path = file(settings.cache, settings.variant, work)
    if not path.exists() or path.stat().st_mtime < Path(settings.checkpoint).stat().st_mtime:
        print(f"exporting {path.name}, which takes a minute or more", file=sys.stderr, flush=True)
        words = [settings.checkpoint, settings.cache, settings.variant, work.kind, work.side, work.prompts]
        made = subprocess.run([sys.executable, "-m", "peers.export", *map(str, words)],
                              env=dict(os.environ, PYTHONPATH=str(Path(__file__).resolve().parents[1])),
                              stdin=subprocess.DEVNULL, stdout=sys.stderr)
        if made.returncode != 0:
            raise Unavailable(f"{path.name} could not be exported, see above")
    return path


def rotate_pairs(queries, keys, freqs_cis, repeat_freqs_k=False):
    """`apply_rotary_enc` without complex numbers."""
    import torch

    def rotated(x):
        times = x.shape[-2] // freqs_cis.shape[0] if repeat_freqs_k else 1
        cosine, sine = freqs_cis.real.repeat(times, 1), freqs_cis.imag.repeat(times, 1)
        even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
        return torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1).flatten(-2)

    return rotated(queries), rotated(keys)


def fix_position(trunk, side):
    """Puts the trunk's position embedding in as a constant: OpenVINO folds its bicubic resizing for minutes at every load."""
    position = trunk._get_pos_embed((side // 4, side // 4))
    trunk._get_pos_embed = lambda grid: position


def module(model, work):
    """The part and example arguments for it."""
    from . import official

    sample = official.picture(work.side)
    if work.kind == "encoder":
        return official.Encoder(model), (sample,)
    if work.kind == "decoder":
        return official.Decoder(model), (*official.Encoder(model)(sample), *official.clicks(work.prompts, work.side))
    part = official.TrackedFrame(model)
    return part, (sample, *part.bank())


def export(settings, work, path):
    """Writes the graph beside `path` and renames it when whole."""
    import sam2.modeling.sam.transformer as transformer
    import torch

    from . import official

    model = official.build(settings, work.side)
    with torch.no_grad():
        part, arguments = module(model, work)
        expected = part(*arguments)
        transformer.apply_rotary_enc = rotate_pairs
        fix_position(model.image_encoder.trunk, work.side)
        found = part(*arguments)
        for one, other in zip(expected, found):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
        program = torch.onnx.export(part.eval(), arguments, dynamo=True, input_names=INPUTS[work.kind])
    partial = path.with_name(f"{path.name}.partial")
    program.save(partial, external_data=False)
    os.replace(partial, path)


def main():
    checkpoint, cache, variant, kind, side, prompts = sys.argv[1:]
    settings = Settings(variant, checkpoint, "f32", 1, "", "", cache)
    work = Work(kind, side=int(side), prompts=int(prompts))
    export(settings, work, file(cache, variant, work))


if __name__ == "__main__":
    main()
