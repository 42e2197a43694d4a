#!/usr/bin/env python3
"""Trains the micro SAM 2.1: first on pictures, then on clips with its memory in the loop.

    python tools/train_micro/train.py --stage pictures --hours 1 --assets assets.npz --state state
    python tools/train_micro/train.py --stage clips --hours 1 --assets assets.npz --state state

Run again, it goes on from the state folder. README.md tells the rest.
"""

import argparse
import copy
import math
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed
import torch.multiprocessing

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import official_model
import prompts
from losses import intersection_over_union, losses
from muon import Muon
from paths import archive, existing
from scenes import Assets, Composer

ROOT = Path(__file__).resolve().parent.parent.parent
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of SAM2Transforms
SMALLEST = 0.005  # of the picture, 330 pixels at 256 a side: what an object must show first to be asked for


class Batches(torch.utils.data.IterableDataset):
    """Endless batches of scenes: pictures [frames, batch, 3, s, s], masks [frames, batch, objects, s, s], uint8.

    Batch n of a stage depends on the seed and n alone, so a training that goes on sees what it would have seen. Of several
    processes each takes its own scenes, of the same kind at the same step.
    """

    def __init__(self, options, composer, first, rank):
        self.options, self.composer, self.first, self.rank = options, composer, first, rank

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        index, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        index += self.first
        if worker is not None:  # Ctrl-C is for the training, which ends its workers
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            yield self.batch([self.options.seed, len(self.options.stage), index])
            index += step

    def batch(self, seed):
        options, random = self.options, np.random.default_rng(seed)
        frames, count, objects = 1, options.pictures, options.objects
        if options.stage == "clips" and random.random() < options.clip_share:
            frames, objects = int(random.integers(options.frames[0], options.frames[1] + 1)), options.clip_objects
            count = max(1, options.clip_frames // frames)
        if self.rank:
            random = np.random.default_rng([*seed, self.rank])
        scenes = [self.scene(random, frames, objects) for _ in range(count)]
        return tuple(torch.from_numpy(np.stack(part, 1)) for part in zip(*scenes))

    def scene(self, random, frames, objects):
        while True:
            motion = random.uniform(0.4, 1.6) if frames > 1 else 0.0
            pictures, owners = self.composer.clip(random, frames, motion)
            sizes = np.bincount(owners[0].ravel(), minlength=2)
            numbers = np.flatnonzero(sizes[1:] >= SMALLEST * owners[0].size) + 1
            if len(numbers) == 0:
                continue
            repeats = -(-objects // len(numbers))
            chosen = np.concatenate([random.permutation(numbers) for _ in range(repeats)])[:objects]
            masks = owners[:, None] == chosen[None, :, None, None]
            return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)), masks.astype(np.uint8)


class Session:
    """One batch on its way through the official model, every object of every scene as one of N."""

    def __init__(self, model, pictures, masks, device):
        self.model, self.side = model, model.image_size
        frames, count, objects = masks.shape[:3]
        mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, DEVIATION))
        pictures = (pictures.flatten(0, 1).to(device).float() / 255 - mean) / deviation
        self.full = masks.flatten(1, 2).to(device).float()
        halved = torch.nn.functional.avg_pool2d(self.full, 2)
        self.truth = (halved > 0.5).float()  # [frames, N, side / 2, side / 2]
        encoded = model.forward_image(pictures)
        _, self.features, self.positions, self.sizes = model._prepare_backbone_features(encoded)
        self.count = count
        self.owner = torch.arange(count, device=device).repeat_interleave(objects)
        self.frames = frames
        self.memory = {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
        self.terms, self.ious, self.tracked = [], [], []

    def features_of(self, frame):
        index = frame * self.count + self.owner
        return [values[:, index] for values in self.features], [values[:, index] for values in self.positions]

    def step(self, frame, first, points=None, mask=None, logits=None, learn=True):
        """One call of the model's tracking step; adds to the losses."""
        features, positions = self.features_of(frame)
        output, heads, _, _ = self.model._track_step(
            frame, first, features, positions, self.sizes, points, mask, self.memory, self.frames, False, logits)
        if learn:
            truth = self.truth[frame]
            masks, predicted = self.model.sam_mask_decoder.predicted
            self.terms.append(losses(masks, predicted, heads[6], truth))
            iou = intersection_over_union(heads[4].detach(), self.full[frame][:, None])[:, 0]
            (self.ious if first else self.tracked).append(iou[truth.flatten(1).any(1)])
        return output, heads

    def remember(self, frame, points, output, heads, prompted):
        """Encodes the frame's mask into the memory, as track_step does."""
        output |= {"pred_masks": heads[3], "pred_masks_high_res": heads[4], "obj_ptr": heads[5]}
        features, _ = self.features_of(frame)
        self.model._encode_memory_in_output(features, self.sizes, points, True, heads[4], heads[6], output)
        self.memory["cond_frame_outputs" if prompted else "non_cond_frame_outputs"][frame] = output

    def correct(self, frame, first, points, heads):
        """A click where the mask is wrong, together with its logits."""
        logits = heads[3].detach().clamp(-32, 32)
        points = prompts.corrections(points, logits, self.truth[frame], self.side)
        return (points, *self.step(frame, first, points, logits=logits))

    def first_prompt(self, random, mask_share, box_share):
        """Prompts the first frame in one way for all objects, as a batch's prompts must have one length.

        mask_share: of all prompts; box_share: of those that are no masks.
        """
        draw, truth = random.random(), self.truth[0]
        if draw < mask_share and self.frames > 1:
            return (None, *self.step(0, True, mask=self.full[0][:, None], learn=False))
        if draw < mask_share:
            logits = prompts.rough_logits(truth, self.side // 4)
            points = prompts.corrections(None, logits, truth, self.side)
        else:
            logits = None
            points = (prompts.boxes if random.random() < box_share else prompts.clicks)(truth, self.side)
        return (points, *self.step(0, True, points, logits=logits))

    def loss(self, random, corrections, box_share):
        """Prompts, corrects and tracks, and gives the mean loss of all steps.

        corrections: how many clicks a picture gets at most after the first prompt.
        """
        if self.frames == 1:
            points, _, heads = self.first_prompt(random, 0.1, box_share)
            for _ in range(int(random.integers(0, corrections + 1))):
                points, _, heads = self.correct(0, True, points, heads)
        else:
            points, output, heads = self.first_prompt(random, 0.55, box_share)
            if points is not None and random.random() < 0.5:
                points, output, heads = self.correct(0, True, points, heads)
            self.remember(0, points, output, heads, True)
            corrected = int(random.integers(1, self.frames)) if random.random() < 0.3 else 0
            for frame in range(1, self.frames):
                output, heads = self.step(frame, False)
                points = None
                if frame == corrected:
                    points, output, heads = self.correct(frame, False, None, heads)
                self.remember(frame, points, output, heads, frame == corrected)
        return sum(self.terms) / len(self.terms)


def keep_predicted(decoder):
    """Has a mask decoder keep all its masks and their IoUs, of which a call gives away those asked for.

    That is mask logits [N, 4, h, w] and IoUs [N, 4], the single mask first.
    """
    predict = decoder.predict_masks

    def kept(*arguments, **named):
        masks, ious, *others = predict(*arguments, **named)
        decoder.predicted = masks, ious
        return masks, ious, *others

    decoder.predict_masks = kept


class Trainer:
    """One process of the training; the one of rank 0 saves and speaks for all."""

    def __init__(self, options, rank=0):
        self.options, self.rank = options, rank
        torch.manual_seed(options.seed)
        # No weight depends on the pictures' size, so it may be another than the YAML's.
        size = [f"image_size={options.side}"] if options.side else []
        tree = official_model.configuration(options.config, size)
        self.model = official_model.build(tree, postprocessing=False).to(options.device).train()
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        keep_predicted(self.model.sam_mask_decoder)
        # Matrices learn in fewer steps with Muon; its rate is scaled so that updates have AdamW's size.
        matrices, others = [], []
        for name, values in self.model.named_parameters():
            (matrices if values.ndim == 2 and min(values.shape) >= 24 else others).append(values)
        self.optimizers = [
            Muon(matrices, lr=options.rate, weight_decay=0.02),
            torch.optim.AdamW(others, lr=options.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)]
        self.steps, self.seconds = 0, 0.0
        self.stopped = False
        self.shown = {}
        self.begin()

    def file(self, part=""):
        """A file of the stage's state; three files, so that each stays below 16 MB."""
        return self.options.state / f"{self.options.stage}{part}.pt"

    def begin(self):
        """Goes on from the stage's state, or begins a stage with the weights of the one before."""
        before = self.options.begin_from or self.options.state / "pictures.pt"
        if self.file(".progress").exists():
            official_model.load(self.average, self.file())
            official_model.load(self.model, self.file(".raw"))
            progress = torch.load(self.file(".progress"), map_location=self.options.device, weights_only=True)
            for optimizer, kept in zip(self.optimizers, progress["optimizers"]):
                optimizer.load_state_dict(kept)
            self.steps, self.seconds = progress["steps"], progress["seconds"]
        elif before.exists() and (self.options.stage == "clips" or self.options.begin_from):
            for model in (self.model, self.average):
                official_model.load(model, before)

    def save(self):
        """Writes the state: averaged weights as a checkpoint, the weights being trained, and the rest."""
        self.options.state.mkdir(parents=True, exist_ok=True)
        for model, part in ((self.average, ""), (self.model, ".raw")):
            official_model.save_checkpoint(
                {name: values.cpu() for name, values in model.state_dict().items()}, self.file(part))
        partial = self.file(".progress").with_suffix(".partial")
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        torch.save({"optimizers": optimizers, "steps": self.steps, "seconds": self.seconds}, partial)
        os.replace(partial, self.file(".progress"))

    def rate(self):
        """Learning rate now: linear warm-up over steps, then half a cosine over the hours."""
        warm = min(1.0, (self.steps + 1) / self.options.warm_up)
        done = min(1.0, self.seconds / (self.options.hours * 3600))
        return self.options.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def step(self, pictures, masks):
        random = np.random.default_rng([self.options.seed, 7, self.steps])
        torch.manual_seed(self.options.seed * 1_000_003 + self.steps * self.options.processes + self.rank)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate()
            optimizer.zero_grad(set_to_none=True)
        device = self.options.device
        with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=device.startswith("cuda")):
            session = Session(self.model, pictures, masks, device)
            loss = session.loss(random, self.options.corrections, self.options.box_share)
        loss.backward()
        self.share_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        self.steps += 1
        decay = min(self.options.average, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        self.show("loss", loss.item())
        for name, values in (("prompted IoU", session.ious), ("tracked IoU", session.tracked)):
            if values and (values := torch.cat(values)).numel():
                self.show(name, values.mean().item())

    def share_gradients(self):
        """Gives every process the mean of all gradients."""
        if self.options.processes == 1:
            return
        parameters = list(self.model.parameters())
        found = torch.tensor([float(values.grad is not None) for values in parameters])
        parts = [torch.zeros_like(v) if v.grad is None else v.grad for v in parameters]
        shared = torch.cat([found, *(part.flatten() for part in parts)])
        torch.distributed.all_reduce(shared)
        counts, rest = shared[:len(parameters)], shared[len(parameters):] / self.options.processes
        for values, count, mean in zip(parameters, counts, rest.split([v.numel() for v in parameters])):
            values.grad = mean.view_as(values) if count else None

    def agree(self):
        """Takes the first process's time, and whether anybody was stopped, for everybody's."""
        if self.options.processes > 1:
            word = torch.tensor([self.seconds if self.rank == 0 else 0.0, float(self.stopped)], dtype=torch.float64)
            torch.distributed.all_reduce(word)
            self.seconds, self.stopped = word[0].item(), bool(word[1])

    def show(self, name, value):
        """Keeps a running mean for the line of progress."""
        self.shown[name] = value if name not in self.shown else 0.98 * self.shown[name] + 0.02 * value

    def line(self, pace):
        means = ", ".join(f"{name} {value:.3f}" for name, value in self.shown.items())
        return (f"{self.options.stage} step {self.steps}, {self.seconds / 3600:.2f} of {self.options.hours:g} h, "
                f"{pace:.2f} s/step, rate {self.rate():.1e}: {means}")

    def run(self):
        options = self.options
        composer = Composer(Assets(options.assets, "train"), self.model.image_size)
        loader = torch.utils.data.DataLoader(
            Batches(options, composer, self.steps, self.rank), batch_size=None, num_workers=options.workers,
            prefetch_factor=4 if options.workers else None)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda number, frame: setattr(self, "stopped", True))
        saved, pace, began = self.seconds, 0.0, self.steps
        end = "\r" if sys.stdout.isatty() else "\n"
        for pictures, masks in loader:
            while options.pause_file and options.pause_file.exists() and not self.stopped:
                time.sleep(2)
            start = time.process_time()
            self.step(pictures, masks)
            spent = (time.process_time() - start) / options.threads
            self.seconds += spent
            self.agree()
            pace = spent if self.steps == began + 1 else 0.98 * pace + 0.02 * spent
            if self.rank == 0 and (end == "\r" or self.steps % 20 == 0):
                print(self.line(pace), end=end, flush=True)
            if self.rank == 0 and self.seconds - saved > options.save_every * 60:
                self.save()
                saved = self.seconds
            if self.stopped or self.seconds >= options.hours * 3600:
                break
        if self.rank == 0:
            self.save()
            print(self.line(pace))


def work(rank, options, meeting):
    """What one process of several does; they find each other through a file."""
    torch.set_num_threads(options.threads)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=options.processes)
    Trainer(options, rank).run()
    torch.distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", choices=["pictures", "clips"], required=True)
    parser.add_argument("--hours", type=float, required=True,
                        help="processor time of the stage over its threads: what other programs take does not count")
    parser.add_argument("--assets", type=archive, required=True, help="file made by pack.py")
    parser.add_argument("--state", type=Path, required=True, help="folder of the training's state")
    parser.add_argument("--config", type=existing, default=ROOT / "Weights/sam2.1_micro.yaml")
    parser.add_argument("--begin-from", type=archive, help="checkpoint to begin the stage with")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--processes", type=int, default=1,
                        help="that train side by side on a CPU, each on as many pictures: faster than as many threads")
    parser.add_argument("--workers", type=int, default=1, help="processes of each that compose scenes")
    parser.add_argument("--side", type=int, help="pixels; a smaller size than the YAML's learns sooner what is coarse")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--warm-up", type=int, default=300, help="steps")
    parser.add_argument("--average", type=float, default=0.998, help="decay of the average of weights that is saved")
    parser.add_argument("--pictures", type=int, default=8, help="pictures a step")
    parser.add_argument("--objects", type=int, default=4, help="objects asked for in a picture")
    parser.add_argument("--box-share", type=float, default=0.45, help="of the first prompts; the others are clicks")
    parser.add_argument("--corrections", type=int, default=2, help="most corrective clicks in a picture")
    parser.add_argument("--clip-share", type=float, default=0.7, help="share of steps on clips in that stage")
    parser.add_argument("--frames", type=int, nargs=2, default=[4, 8], help="fewest and most frames of a clip")
    parser.add_argument("--clip-frames", type=int, default=16, help="frames of all clips of a step together")
    parser.add_argument("--clip-objects", type=int, default=3, help="objects asked for in a clip")
    parser.add_argument("--save-every", type=float, default=5, help="minutes")
    parser.add_argument("--pause-file", type=Path, help="training waits while this file exists")
    options = parser.parse_args()
    if options.processes > 1:
        with tempfile.TemporaryDirectory() as folder:
            try:
                torch.multiprocessing.spawn(work, (options, f"{folder}/meeting"), options.processes)
            except torch.multiprocessing.ProcessExitedException as error:
                sys.exit(error.exit_code)
    else:
        torch.set_num_threads(options.threads)
        Trainer(options).run()


if __name__ == "__main__":
    main()
