"""The official SAM 2 and transformers' on the same prepared pixels: a picture module by module, and a video.

transformers' modules are found by the names that sam2kit gives their weights, so that a name that went to the wrong
module shows as a module that computes something else.
"""

import contextlib

import torch
from sam2.sam2_video_predictor import SAM2VideoPredictor

import official_model
from recording.video import with_float_memory

PIXEL_SIZE = 1024


class Outputs:
    """Every call's result of some modules of a model, by module name."""

    def __init__(self, model, names):
        self.calls = {name: [] for name in names}
        self.hooks = [
            module.register_forward_hook(self.note(name))
            for name, module in model.named_modules() if name in self.calls]

    def note(self, name):
        def hook(_, __, output):
            if isinstance(output, torch.Tensor):
                self.calls[name].append(output.detach().clone())
        return hook

    def close(self):
        for hook in self.hooks:
            hook.remove()


@contextlib.contextmanager
def recorded(model, names):
    outputs = Outputs(model, names)
    yield outputs
    outputs.close()


def relative(expected, found):
    """The largest difference over the largest magnitude; tensors may differ in axes of extent 1."""
    if expected.numel() != found.numel():
        return float("inf")
    difference = (expected.flatten() - found.flatten()).abs().max()
    return float(difference / expected.abs().max().clamp(min=1e-12))


def module_names(names):
    """Pairs of modules (official, transformers) that hold the weights `names` maps."""
    return {official.rpartition(".")[0]: other.rpartition(".")[0]
            for official, other in names.items() if official.endswith(".weight")}


def official_picture(model, pixels, points, labels, multimask):
    """Low-resolution masks [P, M, h, w], IoUs and object scores, as SAM2ImagePredictor computes them."""
    with torch.no_grad():
        features = model.forward_image(pixels)["backbone_fpn"]
        embedding = features[-1] + model.no_mem_embed.view(1, -1, 1, 1)
        sparse, dense = model.sam_prompt_encoder(points=(points, labels), boxes=None, masks=None)
        masks, ious, _, scores = model.sam_mask_decoder(
            image_embeddings=embedding, image_pe=model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=multimask,
            repeat_image=False, high_res_features=features[:-1])
    return masks, ious, scores


def compare_picture(official, other, names, pixels, points, labels):
    """Runs a picture model of transformers beside the official one. Yields (what, relative error)."""
    pairs = {first: second for first, second in module_names(names).items()
             if second in dict(other.named_modules())}
    for multimask in (True, False):
        with recorded(official, pairs) as first, recorded(other, pairs.values()) as second, torch.no_grad():
            masks, ious, scores = official_picture(official, pixels, points, labels, multimask)
            result = other(pixel_values=pixels, input_points=points[None], input_labels=labels[None],
                           multimask_output=multimask)
        for name, counterpart in pairs.items():
            a, b = first.calls[name], second.calls[counterpart]
            if len(a) != len(b):
                yield f"{name}: {len(a)} and {len(b)} calls", float("inf")
            for call, (x, y) in enumerate(zip(a, b)):
                yield f"{name} {call}", relative(x, y)
        kind = "three masks" if multimask else "one mask"
        yield f"low_res_masks ({kind})", relative(masks, result.pred_masks)
        yield f"iou ({kind})", relative(ious, result.iou_scores)
        yield f"object_score ({kind})", relative(scores, result.object_score_logits)


def official_video(tree, checkpoint, folder, prompts):
    """Tracks with the official predictor. Returns the prepared frames, the video's size, and {(frame, object): logits}."""
    model = official_model.build_video(tree, checkpoint, SAM2VideoPredictor)
    model.memory_attention.register_forward_pre_hook(with_float_memory, with_kwargs=True)
    with torch.inference_mode():
        state = model.init_state(str(folder), offload_video_to_cpu=True)
        for identifier, points, labels in prompts:
            model.add_new_points_or_box(
                state, frame_idx=0, obj_id=identifier, points=points, labels=labels)
        for _ in model.propagate_in_video(state):
            pass
    found = {}
    for index, outputs in state["output_dict_per_obj"].items():
        identifier = model._obj_idx_to_id(state, index)
        for kind in outputs.values():
            for frame, output in kind.items():
                found[frame, identifier] = output["pred_masks"].float(), output["object_score_logits"].float()
    return torch.stack(list(state["images"])), (state["video_height"], state["video_width"]), found


def compare_video(tree, checkpoint, other, processor, folder, prompts):
    """Tracks the same prepared frames with both. Yields (what, relative error)."""
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    frames, (height, width), expected = official_video(tree, checkpoint, folder, prompts)
    session = Sam2VideoInferenceSession(
        video=frames, video_height=height, video_width=width, dtype=torch.float32)
    # All objects at once, with as many points each: a second call would forget the first one's objects, and fewer
    # points would be padded with tokens that the official code does not have.
    processor.add_inputs_to_inference_session(
        session, frame_idx=0, obj_ids=[identifier for identifier, _, _ in prompts],
        input_points=[[points for _, points, _ in prompts]], input_labels=[[labels for _, _, labels in prompts]])
    for result in other.propagate_in_video_iterator(session, start_frame_idx=0):
        for index, identifier in enumerate(result.object_ids):
            masks, score = expected[result.frame_idx, identifier]
            where = f"frame {result.frame_idx} object {identifier}"
            yield f"low_res_masks, {where}", relative(masks, result.pred_masks[index])
            yield f"object_score, {where}", relative(score, result.object_score_logits[index])
