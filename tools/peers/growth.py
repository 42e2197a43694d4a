"""How cost grows: with the picture's side, prompts, objects, frames and memories in the bank."""

from . import plot
from .report import NAMES
from .work import FULL_BANK, Work

SERIES = {  # name: what its steps are, what is measured, [(step, work)]
    "side": ("pixels of the picture's side", "seconds of the image encoder",
             [(side, Work("encoder", side=side)) for side in (256, 512, 768, 1024, 1280)]),
    "prompts": ("prompts at once", "seconds of prompt encoder and mask decoder",
                [(count, Work("decoder", prompts=count)) for count in (1, 8, 16, 32, 64, 128)]),
    "objects": ("objects", "seconds of a frame, full bank",
                [(count, Work("track", objects=count)) for count in (1, 2, 4, 6)]),
    "frames": ("frames tracked", "seconds from the first on", [(24, Work("clip", frames=24))]),
    "bank": ("memories in the bank", "seconds of a frame",
             [(count, Work("track", memories=count)) for count in range(1, FULL_BANK + 1)]),
}


def asked(names):
    """What `turns.measure` takes."""
    return [(name, f"{up}: {step} {across}", work)
            for name in names for across, up, steps in [SERIES[name]] for step, work in steps]


def points(name, rows):
    """The rows of a series as lines of a plot: {contestant: [(step, median, least)]}."""
    lines = {}
    for row in rows:
        if row["work"] != name or "median" not in row:
            continue
        line = lines.setdefault(f"{NAMES[row['peer']]} {row['precision']}", [])
        if name == "frames":
            line += accumulated(row["turns"])
        else:
            step = next(step for step, work in SERIES[name][2] if work.json() == row["of"])
            line.append((step, row["median"], row["least"]))
    return lines


def accumulated(turns):
    """Seconds until each frame was done, of the turn that was fastest in the middle and of the fastest at all."""
    ordered = sorted(turns, key=sum)
    middle, best = ordered[len(ordered) // 2], ordered[0]
    return [(count, sum(middle[:count]), sum(best[:count])) for count in range(1, len(middle) + 1)]


def write(names, rows, folder, machine):
    """An SVG file for every series; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in names:
        across, up, _ = SERIES[name]
        lines = points(name, rows)
        if lines:
            path = folder / f"{name}.svg"
            path.write_text(plot.svg(f"{up} by {across}", across, up, lines, machine))
            written.append(path)
    return written
