"""Turn by turn: every contestant does a work for a while, then the next one, round after round."""

import contextlib
import json
import math
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops

from . import export
from .neighbours import Neighbours
from .ours import Ours
from .process import Failure, Process, environment, quiet, until_file
from .work import QUANTIZED, TITLES, WORKS, Unavailable

GRAPHS = ("onnxruntime", "openvino")  # the peers that run exported graphs
FIRST_MASK = (WORKS["encoder"], WORKS["decoder"])  # what a mask takes
MASK = "mask_0.png"  # as `segment` names it
REFERENCE = f"pytorch.f32/{MASK}"  # what all masks are held against
MOST_RUNS = 50  # of sam2kit in a turn, however short they are


class Contestant:
    """A peer at a precision."""

    def __init__(self, name, settings, options, log):
        self.name, self.precision = name, settings.precision
        self.settings, self.options, self.log = settings, options, log
        self.environment = environment(settings.threads, options.max_isa)

    def provide(self, works):
        """Makes files that the works need, which may take minutes and isn't measured."""

    def prepare(self, work):
        """Gets ready for a work."""

    def processes(self):
        """Ids of what lives from turn to turn."""
        return []

    def turn(self, work, before):
        """Seconds of the runs of one turn; `before` are those of earlier turns."""
        raise NotImplementedError

    def first_mask(self, output):
        """The command that writes a picture's first mask to a file."""
        raise NotImplementedError

    def versions(self):
        """Versions by name."""
        raise NotImplementedError

    def end(self):
        """Ends what was started."""


class PythonPeer(Contestant):
    """A library in a process of its own, which is started for a work and ends with it."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.process = self.work = None

    def refuse(self):
        """Stops at what a library can't do at all."""
        if self.name == "onnxruntime" and self.precision == "bf16":
            raise Unavailable("ONNX Runtime has no kernels for bfloat16 on a CPU")
        if self.name == "onnxruntime" and self.options.max_isa:
            raise Unavailable("ONNX Runtime can't be kept from newer instructions")

    def provide(self, works):
        if self.name not in GRAPHS:
            return
        for work in works:
            with contextlib.suppress(Unavailable):  # the turn will say so
                self.refuse()
                export.graph(self.settings, work)

    def prepare(self, work):
        self.refuse()
        if self.work != work:
            self.end()
            self.process, self.work = Process(self.name, self.settings, self.environment, self.log), work
            self.process.ask(prepare=work.json())

    def processes(self):
        return [self.process.process.pid] if self.process else []

    def turn(self, work, before):
        answer = self.process.ask(run=work.json(), times=1 if work.kind == "clip" else self.options.turn_runs,
                                  seconds=0 if work.kind == "clip" else self.options.turn_seconds)
        return answer["seconds"]

    def versions(self):
        process = Process(self.name, self.settings, self.environment, self.log)
        try:
            return process.ask(versions=True)["versions"]
        finally:
            process.end()

    def first_mask(self, output):
        self.refuse()
        return [sys.executable, "-m", "peers.first_mask", self.name, json.dumps(self.settings.json()), output]

    def end(self):
        if self.process:
            self.process.end()
        self.process = self.work = None


class Sam2kit(Contestant):
    """Our program."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.program = Ours(self.options.sam2kit, self.settings, self.options.backend, self.environment, self.log)
        self.kernels = None

    def turn(self, work, before):
        times = self.options.turn_runs
        if before:
            times = max(times, math.ceil(self.options.turn_seconds / statistics.median(before)))
        seconds, self.kernels = self.program.run(work, min(times, max(MOST_RUNS, self.options.turn_runs)))
        return seconds

    def versions(self):
        return self.program.versions()

    def first_mask(self, output):
        return self.program.first_mask(output)


def contestants(options, settings_of, log):
    """Every peer at every precision."""
    kinds = {"sam2kit": Sam2kit}
    found = [kinds.get(name, PythonPeer)(name, settings_of(precision), options, log)
             for name in options.peers for precision in options.precision]
    return found + ([Sam2kit("sam2kit", settings_of(QUANTIZED), options, log)] if options.quantized else [])


def measure(contestants, asked, options, folder):
    """Rows of results, one for each work and contestant; `asked` are names, titles and a Work, or None of PROCESSES."""
    needed = [needs for name, _, work in asked for needs in ([work] if work else FIRST_MASK)]
    for contestant in contestants:
        contestant.provide(needed)
    rows = []
    for name, title, work in asked:
        turns = {contestant: [] for contestant in contestants}
        failed = {}
        for number in range(options.rounds):
            for contestant in contestants:
                if contestant in failed:
                    continue
                say(f"{title}, round {number + 1} of {options.rounds}: {contestant.name} {contestant.precision}")
                try:
                    turns[contestant].append(undisturbed(contestant, name, work, turns[contestant], options, folder))
                except (Failure, Unavailable) as reason:
                    say(f"  {reason}")
                    failed[contestant] = reason
        for contestant in contestants:
            contestant.end()
            rows.append(row(name, title, work, contestant, turns[contestant], failed.get(contestant)))
            if not work and "median" in rows[-1]:
                rows[-1]["agreement"] = agreement(mask_of(contestant, folder), Path(folder) / REFERENCE)
    return rows


def mask_of(contestant, folder):
    """Where a contestant's mask lies."""
    return Path(folder) / f"{contestant.name}.{contestant.precision}" / MASK


def agreement(mask, reference):
    """Intersection over union of two masks' files; None without the reference."""
    if not reference.exists():
        return None
    with Image.open(mask) as one, Image.open(reference) as other:
        one, other = (picture.convert("L").point(lambda value: 255 * (value > 127)) for picture in (one, other))
        union = ImageChops.lighter(one, other).histogram()[255]
        return ImageChops.darker(one, other).histogram()[255] / union if union else 1.0


def undisturbed(contestant, name, work, before, options, folder):
    """A turn, taken again while others keep more than `--quiet` processors busy, at most `--again` times.

    The least disturbed counts.
    """
    taken = []
    for attempt in range(options.again + 1):
        with quiet(options.guard):
            if work:
                contestant.prepare(work)
            neighbours = Neighbours(contestant.processes())
            with neighbours:
                values = take(contestant, name, work, before, folder)
        taken.append(Turn(values, neighbours.cores))
        if neighbours.cores is None or neighbours.cores <= options.quiet:
            break
        say(f"  others kept {neighbours.cores:.2f} processors busy")
    return min(taken, key=lambda turn: turn.others or 0)


@dataclass
class Turn:
    """Seconds or bytes of a turn's runs, and how many processors others kept busy."""

    values: list
    others: float | None


def take(contestant, name, work, before, folder):
    """One turn's values: seconds, or bytes."""
    if work:
        return contestant.turn(work, [seconds for turn in before for seconds in turn.values])
    mask = mask_of(contestant, folder)
    mask.parent.mkdir(parents=True, exist_ok=True)
    seconds, peak = until_file(contestant.first_mask(mask), mask, contestant.environment, contestant.log)
    return [seconds if name == "start" else peak]


def row(name, title, work, contestant, turns, failed):
    """A result as JSON."""
    made = {"work": name, "title": title, "peer": contestant.name, "precision": contestant.precision,
            "unit": "bytes" if name == "memory" else "seconds"}
    if work:
        made["of"] = work.json()
    values = [value for turn in turns for value in turn.values]
    if failed is not None:
        made["failed" if isinstance(failed, Failure) else "unavailable"] = str(failed)
    if values and failed is None:
        made.update(
            turns=[turn.values for turn in turns], others=[turn.others for turn in turns],
            median=statistics.median(values), least=min(values))
    if getattr(contestant, "kernels", None):
        made["backend"] = contestant.kernels
    if contestant.name == "openvino" and contestant.options.max_isa:
        made["note"] = "most linears run in MLAS, which takes newer instructions all the same"
    return made


def say(text):
    print(text, file=sys.stderr, flush=True)


def asked(names):
    """What the command line's words mean."""
    return [(name, TITLES[name], WORKS.get(name)) for name in names]
