"""A line plot as SVG: medians as lines, the least of each as a dot, both axes from 0."""

import math
from html import escape

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 180, 60, 70
COLOURS = ("#1f5fbf", "#6aa5ff", "#c8541d", "#f0a35e", "#2e7d32", "#8bc34a", "#7b1fa2", "#ba68c8")


def svg(title, across, up, lines, footnote):
    """The plot of {name: [(x, median, least)]}."""
    every = [point for line in lines.values() for point in line]
    most_x, most_y = max(x for x, _, _ in every), max(y for _, y, _ in every) or 1
    step_x, step_y = step(most_x), step(most_y)
    if most_x == int(most_x):
        step_x = max(1, step_x)
    top_y = step_y * math.ceil(most_y / step_y)

    def place(x, y):
        return (LEFT + x / most_x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top_y * (HEIGHT - TOP - BOTTOM))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
             f'font-size="12">', f'<title>{escape(title)}</title>', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             text(LEFT, 28, title, size=16)]
    for tick in ticks(top_y, step_y):
        x, y = place(0, tick)
        parts += [f'<line x1="{x:.1f}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
                  text(x - 8, y + 4, f"{tick:g}", anchor="end")]
    for tick in ticks(most_x, step_x):
        x, y = place(tick, 0)
        parts += [f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" y2="{y + 5:.1f}" stroke="#333"/>',
                  text(x, y + 20, f"{tick:g}", anchor="middle")]
    parts += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 40, across, anchor="middle"),
              text(LEFT, TOP - 12, up), text(LEFT, HEIGHT - 8, footnote, size=9)]
    for index, (name, line) in enumerate(lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y, _ in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += ['<circle cx="{:.1f}" cy="{:.1f}" r="3" fill="{}"/>'.format(*place(x, least), colour)
                  for x, _, least in line]
        y = TOP + 18 * index
        parts += [f'<line x1="{WIDTH - RIGHT + 15}" x2="{WIDTH - RIGHT + 35}" y1="{y}" y2="{y}" stroke="{colour}" '
                  f'stroke-width="2"/>', text(WIDTH - RIGHT + 42, y + 4, name)]
    return "\n".join([*parts, "</svg>", ""])


def step(most):
    """A round distance of ticks, four to nine of them up to `most`."""
    power = 10 ** math.floor(math.log10(most / 4)) if most > 0 else 1
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if most / (power * factor) <= 9)


def ticks(most, distance):
    return [round(index * distance, 12) for index in range(int(most / distance + 1e-9) + 1)]


def text(x, y, words, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222">{escape(words)}</text>'
