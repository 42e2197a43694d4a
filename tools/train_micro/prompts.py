"""Prompts for training, drawn from true masks: clicks, boxes, rough masks, and clicks on what is wrong.

True masks are [N, H, W] of 0 and 1; points come out in pixels of the model's input, [N, 1, 2], x before y.
"""

import torch
import torch.nn.functional as F


def drawn_points(regions, side):
    """A pixel of each region [N, H, W]; a random one for some of the objects, one further inside for most.

    The blurred region raised to a power favours pixels with much of the region around them.
    """
    count, height, width = regions.shape
    regions = regions.float()
    depth = F.avg_pool2d(F.avg_pool2d(regions[:, None], 4), 3, 1, 1)
    depth = F.interpolate(depth, size=(height, width), mode="bilinear", align_corners=False)[:, 0]
    inside = torch.rand(count, 1, 1, device=regions.device) < 0.7
    weights = torch.where(inside, regions * depth ** 6, regions) + 1e-12
    index = torch.multinomial(weights.flatten(1), 1)[:, 0]
    points = torch.stack([index % width, index // width], -1).float()
    return (points[:, None] + 0.5) * (side / width)


def clicks(truth, side):
    """A first click on each object."""
    return {"point_coords": drawn_points(truth, side), "point_labels": torch.ones(
        len(truth), 1, dtype=torch.int32, device=truth.device)}


def boxes(truth, side):
    """Each object's box as the two points labelled 2 and 3; the corners of half of them off by about a tenth of its size."""
    scale = side / truth.shape[-1]
    corners = []
    for mask in truth > 0.5:
        columns, rows = mask.any(0).nonzero()[:, 0], mask.any(1).nonzero()[:, 0]
        if len(columns) == 0:
            corners.append(torch.tensor([[0.0, 0.0], [1.0, 1.0]], device=truth.device))
            continue
        corners.append(torch.stack([
            torch.stack([columns[0], rows[0]]), torch.stack([columns[-1] + 1, rows[-1] + 1])]).float())
    corners = torch.stack(corners) * scale
    extent = corners[:, 1:] - corners[:, :1]
    noise = (torch.randn_like(corners) * 0.1 * extent).clamp(-side / 50, side / 50)
    corners = (corners + noise * (torch.rand(len(truth), 1, 1, device=truth.device) < 0.5)).clamp(0, side)
    labels = torch.tensor([2, 3], dtype=torch.int32, device=truth.device).repeat(len(truth), 1)
    return {"point_coords": corners, "point_labels": labels}


def corrections(previous, logits, truth, side):
    """The points so far and one more where the mask of the best logits [N, 1, h, w] is wrong.

    It is positive where something is missing and negative where there is too much. Where nothing is wrong it lies
    anywhere on the object, or beside it if the object is not there.
    """
    predicted = F.interpolate(logits.float(), size=truth.shape[-2:], mode="bilinear", align_corners=False)[:, 0] > 0
    true = truth > 0.5
    wrong = predicted ^ true
    right = ~wrong.flatten(1).any(1)
    absent = ~true.flatten(1).any(1)
    regions = torch.where(right[:, None, None], torch.where(absent[:, None, None], ~true, true), wrong)
    points = drawn_points(regions, side)
    cell = (points[:, 0] * (truth.shape[-1] / side)).long()
    labels = true[torch.arange(len(truth), device=truth.device), cell[:, 1], cell[:, 0]].int()[:, None]
    if previous is None:
        return {"point_coords": points, "point_labels": labels}
    return {"point_coords": torch.cat([previous["point_coords"], points], 1),
            "point_labels": torch.cat([previous["point_labels"], labels], 1)}


def rough_logits(truth, low_side):
    """Logits of a mask that is shifted, grown or shrunk, [N, 1, low_side, low_side]."""
    masks = F.interpolate(truth[:, None], size=(low_side, low_side), mode="bilinear", antialias=True)
    shift = torch.randint(-2, 3, (2,)).tolist()
    masks = torch.roll(masks, shift, (2, 3))
    reach = int(torch.randint(1, 4, ()).item()) * 2 - 1
    grown = F.max_pool2d(masks, reach, 1, reach // 2)
    shrunk = -F.max_pool2d(-masks, reach, 1, reach // 2)
    grow = torch.rand(len(truth), 1, 1, 1, device=truth.device) < 0.5
    return (torch.where(grow, grown, shrunk) * 20 - 10).float()
