"""The official code in PyTorch: float32, or bfloat16 by autocast, which is how the official examples run it."""

import contextlib
import time

import torch

from . import official
from .work import FULL_BANK


class PyTorch:
    def __init__(self, settings):
        torch.set_num_threads(settings.threads)
        torch.set_grad_enabled(False)
        self.settings = settings

    def versions(self):
        return {"torch": torch.__version__, "torch kernels": torch.backends.cpu.get_cpu_capability()}

    def autocast(self):
        if self.settings.precision == "f32":
            return contextlib.nullcontext()
        return torch.autocast("cpu", torch.bfloat16)

    def prepare(self, work):
        if work.kind == "track":
            return self.tracking(work)
        if work.kind == "clip":
            return self.whole_clip(work)
        model = official.build(self.settings, work.side)
        sample = official.picture(work.side)
        part, arguments = official.Encoder(model), (sample,)
        if work.kind == "decoder":
            with torch.inference_mode(), self.autocast():
                arguments = (*part(sample), *official.clicks(work.prompts, work.side))
            part = official.Decoder(model)

        def run():
            with torch.inference_mode(), self.autocast():
                part(*arguments)

        return run

    def opened(self, side):
        """A video predictor and its state, nothing pointed at yet."""
        predictor = official.build_video(self.settings, side)
        with torch.inference_mode(), self.autocast():
            return predictor, predictor.init_state(self.settings.clip)

    def click(self, predictor, state, objects):
        """Clicks at so many objects on the first frame and remembers them."""
        scale = torch.tensor([state["video_width"], state["video_height"]])
        with torch.inference_mode(), self.autocast():
            for number, point in enumerate(official.clicks(objects, 1)[0], 1):
                predictor.add_new_points_or_box(state, 0, number, points=point * scale, labels=[1])
            predictor.propagate_in_video_preflight(state)

    def tracking(self, work):
        """A frame of the clip a run, as the video predictor gives it out; the bank holds copies of the first frame's."""
        predictor, state = self.opened(work.side)
        self.click(predictor, state, work.objects)
        frames = range(official.POINTERS, state["num_frames"])
        if len(frames) < 2:  # one frame again and again would be found in the predictor's cache
            raise ValueError(f"{self.settings.clip}: expected at least {official.POINTERS + 2} frames")
        turn = 0

        def run():
            nonlocal turn
            frame = frames[turn % len(frames)]
            turn += 1
            # All frames before, or as many as the bank has to hold besides the first.
            before = range(1, frame) if work.memories == FULL_BANK else range(frame - work.memories + 1, frame)
            for outputs in state["output_dict_per_obj"].values():
                first = outputs["cond_frame_outputs"][0]
                outputs["non_cond_frame_outputs"] = {tracked: first for tracked in before}
            with torch.inference_mode(), self.autocast():
                next(iter(predictor.propagate_in_video(state, frame, 1)))

        return run

    def whole_clip(self, work):
        """All frames from the prompted one on; seconds of each, the first with its prompts."""
        def run():
            predictor, state = self.opened(work.side)
            state["cached_features"] = {}  # the first frame's, which opening has computed
            seconds, start = [], time.perf_counter()
            self.click(predictor, state, work.objects)
            with torch.inference_mode(), self.autocast():
                frames = iter(predictor.propagate_in_video(state, 0, work.frames - 1))
                for _ in range(work.frames):
                    next(frames)
                    seconds.append(time.perf_counter() - start)
                    start = time.perf_counter()
            return seconds

        return run
