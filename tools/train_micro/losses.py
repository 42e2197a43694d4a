"""The losses of SAM 2: focal and dice of the masks, the IoU head, and whether the object is there.

Shapes: N objects, M masks each. Mask logits [N, M, h, w], true masks [N, H, W] of 0 and 1.
"""

import torch
import torch.nn.functional as F

# SAM 2 has 20 : 1 : 1 : 1 and alpha 0.25, with which masks stay empty for long when learning starts from nothing.
WEIGHTS = {"focal": 10.0, "dice": 3.0, "iou": 5.0, "presence": 1.0}
OTHERS = 0.1  # of what the masks that are not the best lose, in the mean: keeps all of them of use


def upsampled(logits, side):
    """Logits at the true masks' size."""
    return F.interpolate(logits.float(), size=(side, side), mode="bilinear", align_corners=False)


def focal(logits, truth, alpha=0.5, gamma=2.0):
    """Focal loss per mask, [N, M], the mean over its pixels (Lin et al. 2017)."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    miss = 1 - torch.exp(-cross_entropy)
    weight = alpha * truth + (1 - alpha) * (1 - truth)
    return (weight * miss ** gamma * cross_entropy).mean((-2, -1))


def dice(logits, truth):
    """Dice loss per mask, [N, M]."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * truth).sum((-2, -1)) + 1
    return 1 - overlap / (probability.sum((-2, -1)) + truth.sum((-2, -1)) + 1)


def intersection_over_union(logits, truth):
    """IoU of each thresholded mask with the truth, [N, M]; 1 where both are empty."""
    predicted, true = logits > 0, truth > 0.5
    union = (predicted | true).sum((-2, -1))
    overlap = (predicted & true).sum((-2, -1))
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0)


def losses(logits, predicted_iou, presence_logits, truth):
    """The weighted sum of all losses of the decoder's M masks, the single one first.

    Masks and IoUs count only for objects that are there, as in SAM 2. The single mask counts, and of the others mostly
    the one with the least loss; the IoU head learns from all.
    """
    present = (truth.flatten(1).sum(1) > 0).float()
    logits = upsampled(logits, truth.shape[-1])
    expanded = truth[:, None].expand_as(logits)
    shape_loss = WEIGHTS["focal"] * focal(logits, expanded) + WEIGHTS["dice"] * dice(logits, expanded)
    with torch.no_grad():
        iou = intersection_over_union(logits, expanded)
    single, several = shape_loss[:, 0], shape_loss[:, 1:]
    shapes = single + (1 - OTHERS) * several.min(1).values + OTHERS * several.mean(1)
    # Squared: the mean is learned, by which the best mask can be expected; SAM 2's absolute difference learns the median.
    iou_loss = (predicted_iou.float() - iou).square().mean(1)
    count = present.sum().clamp(min=1)
    total = (shapes * present).sum() / count + WEIGHTS["iou"] * (iou_loss * present).sum() / count
    return total + WEIGHTS["presence"] * F.binary_cross_entropy_with_logits(presence_logits.float()[:, 0], present)
