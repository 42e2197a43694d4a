"""A peer from the start of its process to a picture's first mask in a file, as a user's script would do it.

    PYTHONPATH=tools python -m peers.first_mask PEER SETTINGS MASK

SETTINGS is `work.Settings` as JSON; MASK is the PNG to write. The graphs of ONNX Runtime and OpenVINO have to be in the cache.
"""

import json
import os
import sys

import numpy as np
from PIL import Image

from . import export
from .work import SIDE, Settings, Unavailable, Work


def click(width, height):
    """The click, in the picture's pixels: its middle."""
    return width / 2, height / 2


def with_pytorch(settings, picture):
    """The image predictor's mask, as the official notebook asks for one."""
    import contextlib

    import torch
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    from . import official

    torch.set_num_threads(settings.threads)
    bf16 = settings.precision == "bf16"
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
        predictor = SAM2ImagePredictor(official.build(settings))
        predictor.set_image(picture)
        masks, _, _ = predictor.predict(
            point_coords=np.array([click(picture.shape[1], picture.shape[0])]), point_labels=np.array([1]),
            multimask_output=False)
    return masks[0] > 0


def with_graphs(picture, encode, decode):
    """A mask by two graphs, with what goes before and after in NumPy and Pillow."""
    height, width = picture.shape[:2]
    square = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32) / 255
    sample = (square - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    embedding, fine, middle = encode({"sample": np.ascontiguousarray(sample.transpose(2, 0, 1)[None])})
    x, y = click(width, height)
    masks, _ = decode({
        "embedding": embedding, "fine": fine, "middle": middle,
        "coordinates": np.float32([[[x / width * SIDE, y / height * SIDE]]]), "labels": np.ones((1, 1), np.int32)})
    logits = Image.fromarray(np.asarray(masks, np.float32)[0, 0])
    return np.asarray(logits.resize((width, height), Image.Resampling.BILINEAR)) > 0


def with_onnxruntime(settings, picture):
    from .onnx_runtime import ONNXRuntime

    peer = ONNXRuntime(settings)
    encoder, decoder = (peer.session(Work(kind)) for kind in ("encoder", "decoder"))
    return with_graphs(picture, lambda arrays: encoder.run(None, arrays), lambda arrays: decoder.run(None, arrays))


def with_openvino(settings, picture):
    from .open_vino import OpenVINO

    peer = OpenVINO(settings)
    encoder, decoder = (peer.compiled(export.graph(settings, Work(kind))) for kind in ("encoder", "decoder"))
    return with_graphs(picture, lambda arrays: encoder(arrays).to_tuple(), lambda arrays: decoder(arrays).to_tuple())


FIRST_MASK = {"pytorch": with_pytorch, "onnxruntime": with_onnxruntime, "openvino": with_openvino}


def main():
    name, settings, output = sys.argv[1], Settings(**json.loads(sys.argv[2])), sys.argv[3]
    picture = np.asarray(Image.open(settings.picture).convert("RGB"))
    try:
        mask = FIRST_MASK[name](settings, picture)
    except Unavailable as reason:
        sys.exit(f"unavailable: {reason}")
    partial = f"{output}.partial"
    Image.fromarray(mask.astype(np.uint8) * 255).save(partial, format="PNG")
    os.replace(partial, output)


if __name__ == "__main__":
    main()
