"""sam2kit as one of the peers: `sam2kit benchmark --json`, a new process at each turn.

A tracked frame's stages are taken without what PyTorch's predictor doesn't do when it gives out a frame: reading and resizing
before, run lengths and PNG files after.
"""

import json
import subprocess
from pathlib import Path

from PIL import Image

from .process import Failure
from .work import QUANTIZED, SIDE, Unavailable

OUTSIDE = {"decode", "prepare", "run_lengths", "png"}  # stages that the peers' tracked frame doesn't have
FRAMES = 3  # tracked with the memories that are asked for, in each turn
REFUSED = 2  # how the program ends where a backend can't do a precision


class Ours:
    """The program, asked for one work."""

    def __init__(self, program, settings, backend, environ, log):
        self.program, self.settings, self.backend = Path(program).resolve(), settings, backend
        self.environ, self.log = environ, log

    def versions(self):
        found = subprocess.run([self.program, "--version"], check=True, capture_output=True, text=True)
        return {"sam2kit": found.stdout.strip()}

    def options(self, side):
        """Options that every command takes."""
        words = ["--model", self.settings.checkpoint, "--threads", self.settings.threads, "--set", f"image_size={side}"]
        if self.settings.precision != QUANTIZED:
            words += ["--precision", self.settings.precision]
        return words + (["--backend", self.backend] if self.backend else [])

    def report(self, side, *words):
        """What `benchmark` says."""
        command = [self.program, "benchmark", *self.options(side), *words, "--json"]
        made = subprocess.run([str(word) for word in command], env=self.environ, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log.write(made.stderr)
        self.log.flush()
        if made.returncode != 0:
            said = next((line for line in made.stderr.splitlines() if "rror:" in line), "nothing")
            if made.returncode == REFUSED:
                raise Unavailable(said)
            raise Failure(f"sam2kit benchmark ended with {made.returncode} and said: {said}")
        return json.loads(made.stdout)

    def first_mask(self, output):
        """The command that segments the picture by a click into its middle."""
        with Image.open(self.settings.picture) as picture:
            width, height = picture.size
        words = ["segment", *self.options(SIDE), "--image", self.settings.picture,
                 "--point", f"{width / 2:g},{height / 2:g}", "--output", output.parent]
        return [self.program, *words]

    def run(self, work, times):
        """Seconds of every run of a turn, and which kernels ran them."""
        if work.kind == "clip":
            report = self.report(work.side, "--video", self.settings.clip, "--prompts", work.objects,
                                 "--frames", work.frames)
            seconds = [frame_seconds(frame) for frame in report["clip"]["frames"]]
        elif work.kind == "track":
            frames = work.memories + FRAMES
            report = self.report(work.side, "--video", self.settings.clip, "--prompts", work.objects,
                                 "--frames", frames)
            seconds = [frame_seconds(frame) for frame in report["clip"]["frames"]
                       if frame["memories"] == work.memories]
        else:
            prompts = ["--prompts", work.prompts] if work.prompts > 1 else []
            report = self.report(work.side, *prompts, "--repeat", times)
            seconds = report["image_encoder_seconds" if work.kind == "encoder" else "prompt_seconds"]
        if not seconds:
            raise Failure(f"sam2kit benchmark: no run of {work}")
        return seconds, report.get("backend")


def frame_seconds(frame):
    """Seconds of a tracked frame as PyTorch's predictor gives it out: masks at the clip's size."""
    return sum(seconds for name, seconds in frame["stages"].items() if name not in OUTSIDE)
