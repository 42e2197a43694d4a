"""A picture's run through the official SAM2ImagePredictor."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sam2.sam2_image_predictor import SAM2ImagePredictor

import official_model


def foreground(path):
    """Where a mask picture is not black, [height, width]."""
    return np.asarray(Image.open(path).convert("RGB")).any(axis=2)


def mask_logits(path, side):
    """Logits [1, side, side] of a mask picture: antialiased bilinear of its 0/1 values, 1 unless black, then 20 v - 10.

    Scale and bias are those SAM2Base._use_mask_as_output gives a mask prompt.
    """
    values = torch.from_numpy(foreground(path)).float()[None, None]
    values = F.interpolate(values, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return (values * 20 - 10)[0].numpy()


class PictureRun:
    """The predictor, the picture and the prompts of one run, and what a trace says of them."""

    def __init__(self, options):
        self.model = official_model.build(options.tree, options.checkpoint)
        self.predictor = SAM2ImagePredictor(self.model)
        self.predictor._bb_feat_sizes = official_model.feature_sizes(self.model)
        self.image = Image.open(options.image).convert("RGB")
        self.prompts = json.loads(options.prompts.read_text())
        self.folder = options.prompts.parent
        self.configuration = options.configuration_text
        self.input_sha256 = official_model.sha256(options.image)
        self.input = {"kind": "picture", "width": self.image.width, "height": self.image.height,
                      "preprocessing": "SAM2Transforms"}

    def place(self):
        return None, None

    def predict(self):
        """Yields (logits, iou) for every object of the prompts, in order."""
        for item in self.prompts["objects"]:
            arguments = {"multimask_output": self.prompts.get("multimask", False)}
            if item.get("points"):
                arguments["point_coords"] = np.array(item["points"], np.float32)
                arguments["point_labels"] = np.array(item["labels"], np.int32)
            if item.get("box"):
                arguments["box"] = np.array(item["box"], np.float32)
            if item.get("mask"):
                arguments["mask_input"] = mask_logits(self.folder / item["mask"], self.model.image_size // 4)
            _, iou, logits = self.predictor.predict(**arguments)
            yield logits, iou

    def record(self, trace):
        """Runs, and writes the predictions."""
        scores = []
        self.model.sam_mask_decoder.register_forward_hook(
            lambda module, inputs, output: scores.append(output[3][0]))
        self.predictor.set_image(self.image)
        results = list(self.predict())
        trace.write("/prediction/low_res_logits", torch.from_numpy(np.stack([logits for logits, _ in results])))
        trace.write("/prediction/iou", torch.from_numpy(np.stack([iou for _, iou in results])))
        trace.write("/prediction/object_score", torch.stack(scores))
