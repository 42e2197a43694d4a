"""The official model's parts that are timed and exported: picture encoder, decoder, and a tracked frame with a full bank.

Every part is official code called with official modules; only what goes in and comes out is arranged.
"""

import torch

import official_model

from .work import FULL_BANK, SIDE

POINTERS = 16  # object pointers that a frame attends to at most: max_obj_ptrs_in_encoder


def configuration(variant, side=SIDE):
    """The YAML tree of a variant such as `sam2.1_hiera_tiny`, for a square of `side` pixels."""
    family, _, size = variant.partition("_hiera_")
    short = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}[size]
    path = official_model.variant_configuration(f"{family}_hiera_{short}")
    return official_model.configuration(path, [f"image_size={side}"])


def build(settings, side=SIDE):
    """`SAM2Base` with the checkpoint's weights."""
    return official_model.build(configuration(settings.variant, side), settings.checkpoint)


def build_video(settings, side=SIDE):
    """`SAM2VideoPredictor` with the checkpoint's weights."""
    from sam2.sam2_video_predictor import SAM2VideoPredictor

    tree = official_model.video_configuration(configuration(settings.variant, side))
    return official_model.build_video(tree, settings.checkpoint, SAM2VideoPredictor)


def picture(side):
    """A prepared picture [1, 3, side, side]: noise, as any picture takes the same time."""
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))


def clicks(count, side):
    """One click for each of `count` prompts: coordinates [count, 1, 2] in the square's pixels, labels [count, 1]."""
    coordinates = torch.rand(count, 1, 2, generator=torch.Generator().manual_seed(1)) * side
    return coordinates, torch.ones(count, 1, dtype=torch.int32)


class Encoder(torch.nn.Module):
    """A prepared picture to what the image predictor keeps of it: the embedding and two finer maps."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, sample):
        maps = self.model.forward_image(sample)["backbone_fpn"]
        return maps[2] + self.model.no_mem_embed.reshape(1, -1, 1, 1), maps[0], maps[1]


class Decoder(torch.nn.Module):
    """Prompts of one click each to one mask's low-res logits each, as `SAM2ImagePredictor` calls the two modules."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, embedding, fine, middle, coordinates, labels):
        sparse, dense = self.model.sam_prompt_encoder(points=(coordinates, labels), boxes=None, masks=None)
        masks, scores, _, _ = self.model.sam_mask_decoder(
            image_embeddings=embedding, image_pe=self.model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=False,
            repeat_image=coordinates.shape[0] > 1, high_res_features=[fine, middle])
        return masks, scores


class TrackedFrame(torch.nn.Module):
    """A prepared frame and a full bank to a mask and the frame's own memory: `SAM2Base.track_step`."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        grid = model.image_size // model.backbone_stride
        position = model.memory_encoder.position_encoding(torch.zeros(1, model.mem_dim, grid, grid))
        self.register_buffer("position", position)

    def bank(self):
        """A bank's worth of memories [7, 1, 64, grid, grid] and pointers [16, 1, 256]: noise."""
        generator = torch.Generator().manual_seed(2)
        return (torch.randn(FULL_BANK, *self.position.shape, generator=generator),
                torch.randn(POINTERS, 1, self.model.hidden_dim, generator=generator))

    def forward(self, sample, memories, pointers):
        features = self.model.forward_image(sample)
        _, vision, positions, sizes = self.model._prepare_backbone_features(features)
        # Frame 0 was prompted, 1 to 15 were tracked: those with a memory in the bank are the last six.
        tracked = {}
        for frame in range(POINTERS):
            index = max(frame - (POINTERS - FULL_BANK), 0)
            tracked[frame] = {"maskmem_features": memories[index], "maskmem_pos_enc": [self.position],
                              "obj_ptr": pointers[frame]}
        found = self.model.track_step(
            frame_idx=POINTERS, is_init_cond_frame=False, current_vision_feats=vision,
            current_vision_pos_embeds=positions, feat_sizes=sizes, point_inputs=None, mask_inputs=None,
            output_dict={"cond_frame_outputs": {0: tracked.pop(0)}, "non_cond_frame_outputs": tracked},
            num_frames=POINTERS + 1)
        return found["pred_masks"], found["maskmem_features"], found["obj_ptr"]
