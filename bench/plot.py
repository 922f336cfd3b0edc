"""A picture of what all rows come to: by how much each is beyond its target, or short of it."""

import math
from collections.abc import Sequence
from html import escape

from bench.targets import TARGETS, Result

LINE, LABELS, BARS, FIGURES = 22, 400, 360, 90
# Whatever is further away is drawn at the edge.
MOST_TIMES = 10
MET, MISSED = "#4a7ba6", "#c2533e"


def plotted(results: Sequence[Result]) -> str:
    """An SVG of a bar for each row, from the line that is its target: to the right what is beyond it."""
    width, height = LABELS + BARS + FIGURES, LINE * (len(results) + 2)
    middle = LABELS + BARS / 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for times in (1 / MOST_TIMES, 1 / 3, 1, 3, MOST_TIMES):
        x = middle + _offset(times)
        said = "target" if times == 1 else f"{times:.2g} x"
        lines += [
            f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{LINE}" y2="{height - LINE / 2}" '
            f'stroke="{"#333" if times == 1 else "#ddd"}"/>',
            f'<text x="{x:.0f}" y="{LINE - 6}" text-anchor="middle">{said}</text>',
        ]
    for number, one in enumerate(results, 1):
        y = LINE * number + 4
        offset = _offset(one.times_target)
        lines += [
            f'<text x="8" y="{y + 12}">{escape(f"{one.row}: {TARGETS[one.row].path}")}</text>',
            f'<rect x="{middle + min(offset, 0):.1f}" y="{y}" width="{abs(offset):.1f}" '
            f'height="{LINE - 6}" fill="{MET if one.met else MISSED}"/>',
            f'<text x="{LABELS + BARS + 8}" y="{y + 12}">{one.ratio:.3g}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _offset(times: float) -> float:
    """How far from the line of the targets so many times as good as a target is, as a logarithm."""
    within = min(max(times, 1 / MOST_TIMES), MOST_TIMES)
    return math.log(within, MOST_TIMES) * BARS / 2
