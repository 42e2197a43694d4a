#!/usr/bin/env python3
"""Measures a checkpoint's masks with the official predictors: one click, a box, three clicks, and tracking.

    python tools/train_micro/evaluate.py --checkpoint Weights/sam2.1_micro.pt --folder Reference/validation
    python tools/train_micro/evaluate.py --checkpoint state/pictures.pt --assets assets.npz --pictures 100 --clips 10

The folder's layout and the rules by which prompts are derived from masks are in Reference/validation/README.md; so is
what the standard errors beside the means are. --json writes what `sam2kit evaluate --json` prints, but for the means by picture and by clip.
With --assets, scenes are composed: of the cut-outs and backgrounds that training never sees, or of those that it does.
"""

import argparse
import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import official_model
from paths import archive, existing
from sam2.sam2_image_predictor import SAM2ImagePredictor
from sam2.sam2_video_predictor import SAM2VideoPredictor

ROOT = Path(__file__).resolve().parent.parent.parent
TOLERANCE = 0.008  # of the diagonal: how far two outlines may lie apart and still agree (DAVIS)


def depths(region):
    """Each pixel's distance to the nearest pixel outside of the region; beyond the picture is outside."""
    return distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]


def deepest(depth):
    """(x, y) of the largest depth; the first row, then the first column, where several are equal."""
    row, column = divmod(int(depth.argmax()), depth.shape[1])
    return [column, row]


def box_of(mask):
    """The box [x0, y0, x1, y1] whose edges touch the mask's outermost pixels from outside."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def correction(predicted, truth):
    """The next click as (point, label), or None where nothing is wrong."""
    missing, extra = depths(truth & ~predicted), depths(predicted & ~truth)
    if max(missing.max(), extra.max()) == 0:
        return None
    return (deepest(missing), 1) if missing.max() >= extra.max() else (deepest(extra), 0)


def region_similarity(predicted, truth):
    """J: intersection over union, 1 where both are empty."""
    union = (predicted | truth).sum()
    return 1.0 if union == 0 else (predicted & truth).sum() / union


def outline(mask):
    """Pixels that differ from a neighbour to the right, below or across both, as DAVIS has it."""
    edge = np.zeros_like(mask)
    edge[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edge[:-1, :] |= mask[:-1, :] ^ mask[1:, :]
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def contour_accuracy(predicted, truth):
    """F: the harmonic mean of the shares of either outline that lie near the other."""
    ours, theirs = outline(predicted), outline(truth)
    if not ours.any() or not theirs.any():
        return float(ours.any() == theirs.any())
    reach = np.ceil(TOLERANCE * np.hypot(*truth.shape))
    precision = (distance_transform_edt(~theirs)[ours] <= reach).mean()
    recall = (distance_transform_edt(~ours)[theirs] <= reach).mean()
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def picture_scores(predictor, truth):
    """IoU after one click, with a box, after three clicks; of one click's best mask, and how far the IoU head was off."""
    def predict(**prompt):
        masks, scores, logits = predictor.predict(**prompt)
        chosen = int(scores.argmax())
        return masks.astype(bool), chosen, float(scores[chosen]), logits[chosen:chosen + 1]

    points, labels = [deepest(depths(truth))], [1]
    masks, chosen, score, logits = predict(
        point_coords=np.array(points), point_labels=np.array(labels), multimask_output=True)
    mask, ious = masks[chosen], [region_similarity(mask, truth) for mask in masks]
    [box], *_ = predict(box=np.array(box_of(truth)), multimask_output=False)
    for _ in range(2):
        click = correction(mask, truth)
        if click is None:
            break
        points, labels = points + [click[0]], labels + [click[1]]
        [mask], _, _, logits = predict(
            point_coords=np.array(points), point_labels=np.array(labels), mask_input=logits, multimask_output=False)
    return (ious[chosen], region_similarity(box, truth), region_similarity(mask, truth), max(ious),
            abs(score - ious[chosen]))


def evaluate_pictures(model, pictures):
    """Scores of (name, picture, index map) triples: (name, object, *scores) with those of `picture_scores` in its order."""
    predictor = SAM2ImagePredictor(model)
    predictor._bb_feat_sizes = official_model.feature_sizes(model)
    scores = []
    for name, picture, owners in pictures:
        predictor.set_image(picture)
        scores += [(name, int(number), *picture_scores(predictor, owners == number))
                   for number in np.unique(owners[owners > 0])]
    return scores


def mean_and_error(groups, values):
    """The mean of the values, and its standard error over groups of them: by groups' names, in two sums a group."""
    values, names = np.asarray(values, float), np.asarray(groups)
    counts = np.array([(names == name).sum() for name in np.unique(names)])
    totals = np.array([values[names == name].sum() for name in np.unique(names)])
    mean = totals.sum() / counts.sum()
    if len(counts) < 2:
        return mean, None
    variance = np.var(totals - mean * counts, ddof=1) / len(counts) / counts.mean() ** 2
    return mean, np.sqrt(variance)


def video_predictor(configuration, checkpoint):
    """The official video predictor as `build_sam2_video_predictor` makes it, without the filling of holes."""
    tree = official_model.video_configuration(official_model.configuration(configuration))
    return official_model.build_video(tree, checkpoint, SAM2VideoPredictor)


def clip_scores(predictor, name, frames, masks):
    """(name, object, J and F of each frame [frames, 2]) of a clip's objects, the first frame (whose masks are given) and the
    last aside."""
    state = predictor.init_state(str(frames))
    objects = [int(number) for number in np.unique(masks[0][masks[0] > 0])]
    for number in objects:
        predictor.add_new_mask(state, 0, number, masks[0] == number)
    scores = {number: [] for number in objects}
    for frame, numbers, logits in predictor.propagate_in_video(state):
        for number, logit in zip(numbers, logits if 0 < frame < len(masks) - 1 else []):
            predicted, truth = (logit[0] > 0).numpy(), masks[frame] == number
            scores[number].append((region_similarity(predicted, truth), contour_accuracy(predicted, truth)))
    return [(name, number, np.array(frames)) for number, frames in scores.items()]


def folder_pictures(folder):
    """The pictures of a validation folder as (name, picture, index map)."""
    for path in sorted((folder / "pictures").glob("*.jpg")):
        yield path.stem, np.asarray(Image.open(path).convert("RGB")), np.asarray(Image.open(path.with_suffix(".png")))


def folder_clips(folder):
    """The clips of a validation folder as (name, folder of frames, index maps)."""
    for clip in sorted((folder / "clips").glob("*")):
        masks = np.stack([np.asarray(Image.open(path)) for path in sorted(clip.glob("masks/*.png"))])
        yield clip.name, clip / "frames", masks


def composed(options):
    """Composed scenes: pictures, and clips written to a temporary folder."""
    from scenes import Assets, Composer
    composer = Composer(Assets(options.assets, options.split))

    def visible(owners):
        """Objects too small on the first frame are no objects: a click could not tell them."""
        sizes = np.bincount(owners[0].ravel())
        small = np.flatnonzero(sizes < 0.0014 * owners[0].size)
        gone = np.setdiff1d(np.unique(owners), np.unique(owners[0]))
        return np.where(np.isin(owners, [*small, *gone]), 0, owners)

    def pictures():
        for index in range(options.pictures):
            frames, owners = composer.clip(np.random.default_rng([99, index]), 1, 0.0)
            yield f"{index:02}", frames[0], visible(owners)[0]

    def clips():
        for index in range(options.clips):
            frames, owners = composer.clip(np.random.default_rng([98, index]), 16, 1.0)
            with tempfile.TemporaryDirectory() as folder:
                for number, frame in enumerate(frames):
                    Image.fromarray(frame).save(f"{folder}/{number:05}.jpg", quality=95)
                yield f"{index:02}", folder, visible(owners)

    return pictures(), clips()


def report(pictures, clips):
    """What --json writes of these scores, of clips `clip_scores`' and of pictures `evaluate_pictures`'."""
    figures, by_frame = {}, []
    if pictures:
        for place, name in enumerate(("one_click", "box", "three_clicks"), 2):
            figures[name] = mean_and_error([score[0] for score in pictures], [score[place] for score in pictures])
    means = [frames.mean(0) for _, _, frames in clips]
    if clips:
        names = [name for name, _, _ in clips]
        for name, values in (("j", [j for j, _ in means]), ("f", [f for _, f in means]),
                             ("j_and_f", [(j + f) / 2 for j, f in means])):
            figures[name] = mean_and_error(names, values)
        for frame in range(max(len(frames) for _, _, frames in clips)):
            there = np.array([frames[frame] for _, _, frames in clips if len(frames) > frame])
            j, f = there.mean(0)
            by_frame.append({"frame": frame + 1, "objects": len(there), "j": j, "f": f, "j_and_f": (j + f) / 2})
    return {
        "means": {name: mean for name, (mean, _) in figures.items()},
        "standard_errors": {name: error for name, (_, error) in figures.items() if error is not None},
        "pictures": [{"picture": name, "object": number, "one_click": one, "box": box, "three_clicks": three}
                     for name, number, one, box, three, *_ in pictures],
        "clips": [{"clip": name, "object": number, "j": j, "f": f}
                  for (name, number, _), (j, f) in zip(clips, means)],
        "by_frame": by_frame,
    }


def written(value):
    """JSON of a report, an entry a line, to six decimals."""
    rounded = json.loads(json.dumps(value, default=float), parse_float=lambda text: round(float(text), 6))
    lines = []
    for key, part in rounded.items():
        if isinstance(part, list):
            part = "[\n" + ",\n".join(f"    {json.dumps(entry)}" for entry in part) + "\n  ]"
        else:
            part = json.dumps(part)
        lines.append(f"  {json.dumps(key)}: {part}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=existing, default=ROOT / "Weights/sam2.1_micro.yaml")
    parser.add_argument("--checkpoint", type=archive, required=True)
    scenes = parser.add_mutually_exclusive_group(required=True)
    scenes.add_argument("--folder", type=existing, help="such as Reference/validation")
    scenes.add_argument("--assets", type=archive, help="file made by pack.py, instead of a folder")
    composing = parser.add_argument_group("with --assets")
    composing.add_argument("--split", choices=["validation", "train"], default="validation",
                           help="which cut-outs and backgrounds scenes are composed of")
    composing.add_argument("--pictures", type=int, default=100, help="pictures to compose")
    composing.add_argument("--clips", type=int, default=10, help="clips of 16 frames to compose")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    if options.folder:
        pictures, clips = folder_pictures(options.folder), folder_clips(options.folder)
    else:
        pictures, clips = composed(options)
    model = official_model.build(options.config, options.checkpoint)
    pictures = evaluate_pictures(model, pictures)
    found = report(pictures, [])

    def figure(name):
        error = found["standard_errors"].get(name)
        return f"{found['means'][name]:.3f}" + ("" if error is None else f" ± {error:.3f}")

    if pictures:
        best, off = np.mean([score[5:] for score in pictures], 0)
        print(f"{len(pictures)} objects in pictures: one click {figure('one_click')}, box {figure('box')}, "
              f"three clicks {figure('three_clicks')} mIoU; best of one click's three masks {best:.3f}, "
              f"predicted IoU off by {off:.3f}", flush=True)
    predictor = video_predictor(options.config, options.checkpoint)
    clips = [score for clip in clips for score in clip_scores(predictor, *clip)]
    found = report(pictures, clips)
    if clips:
        print(f"{len(clips)} objects in clips: J {figure('j')}, F {figure('f')}, J&F {figure('j_and_f')}")
    if options.json:
        options.json.write_text(written(found))


if __name__ == "__main__":
    main()
