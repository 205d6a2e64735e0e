"""The fronts of `benchmarks.digits_searches` as one SVG: found on the left, trained anew on the right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.digits_fronts import BOX, FULL, Array, Row, costs, median_front
from nago_orchestrator.drawing.palette import BACKGROUND, CARD, FAINT_EDGE, FAINT_TEXT, TEXT
from nago_orchestrator.drawing.svg import FONTS
from nago_orchestrator.evaluation.pareto import non_dominated
from nago_orchestrator.report.figures.space import COLOURS

_WIDTH, _HEIGHT = 1000.0, 520.0
_LEAST_ERROR = 0.002
"""Of the axis; smaller ones are drawn there."""
_LEAST_MEMORY = 10_000.0
_ERRORS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_MEMORIES = (10_000, 20_000, 30_000, 40_000, 50_000, 60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    left: float
    top: float = 112.0
    width: float = 420.0
    height: float = 350.0

    def x(self, memory: float) -> float:
        share = (memory - _LEAST_MEMORY) / (BOX[1] - _LEAST_MEMORY)
        return round(self.left + self.width * min(max(share, 0.0), 1.0), 1)

    def y(self, error: float) -> float:
        """Logarithmic, the best at the bottom."""
        share = math.log(max(error, _LEAST_ERROR) / _LEAST_ERROR) / math.log(BOX[0] / _LEAST_ERROR)
        return round(self.top + self.height * (1 - min(share, 1.0)), 1)


def draw(rows: Sequence[Row], searches: Sequence[str]) -> str:
    seeds = len({row.seed for row in rows})
    title = f"Fronts at {FULL} epochs that each search found with the same number of epochs"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" '
        f'font-family="{FONTS}" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{_WIDTH:g}" height="{_HEIGHT:g}" fill="{BACKGROUND}"/>',
        _text(40, 36, title, size=18, colour=TEXT),
        _text(40, 58, f"Lines: what half of the {seeds} seeds attain; dots: each seed's front.", size=12),
        *_key(searches),
        *_panel(_Panel(left=70), rows, searches, again=False),
        *_panel(_Panel(left=550), rows, searches, again=True),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _key(searches: Sequence[str]) -> Iterator[str]:
    for place, search in enumerate(searches):
        x = 40 + 155 * place
        yield f'<rect x="{x}" y="74" width="22" height="4" fill="{COLOURS[place]}"/>'
        yield _text(x + 28, 76, search, size=12, colour=TEXT)


def _panel(panel: _Panel, rows: Sequence[Row], searches: Sequence[str], *, again: bool) -> Iterator[str]:
    title = "the same generators, mean of three new networks" if again else "as the search found them"
    yield f'<rect x="{panel.left}" y="{panel.top}" width="{panel.width}" height="{panel.height}" fill="{CARD}"/>'
    yield from _axes(panel)
    yield _text(panel.left, panel.top - 10, title, size=13, colour=TEXT)
    for search, colour in zip(searches, COLOURS, strict=False):
        own = [row for row in rows if row.search == search]
        for seed in sorted({row.seed for row in own}):
            yield from _dots(panel, costs(own, seed, again=again), colour)
    for search, colour in zip(searches, COLOURS, strict=False):
        yield _steps(panel, median_front([row for row in rows if row.search == search], again=again), colour)


def _axes(panel: _Panel) -> Iterator[str]:
    bottom, right = panel.top + panel.height, panel.left + panel.width
    for error in _ERRORS:
        y = panel.y(error)
        yield f'<path d="M{panel.left} {y}H{right}" stroke="{FAINT_EDGE}"/>'
        yield _text(panel.left - 6, y, f"{100 * error:g} %", size=11, anchor="end")
    for memory in _MEMORIES:
        x = panel.x(memory)
        yield f'<path d="M{x} {panel.top}V{bottom}" stroke="{FAINT_EDGE}"/>'
        yield _text(x, bottom + 14, f"{memory // 1000} kB", size=11, anchor="middle")
    yield _text(panel.left + panel.width / 2, bottom + 34, "memory per sample in training", size=12, anchor="middle")
    yield _text(panel.left - 46, panel.top - 10, "error", size=12)


def _dots(panel: _Panel, found: Array, colour: str) -> Iterator[str]:
    for error, memory in found[non_dominated(found)].tolist():
        if error <= BOX[0] and memory <= BOX[1]:
            yield f'<circle cx="{panel.x(memory)}" cy="{panel.y(error)}" r="2.5" fill="{colour}" opacity="0.45"/>'


def _steps(panel: _Panel, front: Array, colour: str) -> str:
    """What a point dominates lies to its right and above it; so the line goes right first, then down."""
    inside = front[(front <= BOX).all(axis=1)].tolist()
    path = f"M{panel.x(inside[0][1])} {panel.top}" if inside else "M0 0"
    for error, memory in inside:
        path += f"H{panel.x(memory)}V{panel.y(error)}"
    path += f"H{panel.left + panel.width}" if inside else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(x: float, y: float, text: str, *, size: float, colour: str = FAINT_TEXT, anchor: str = "start") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}" '
        f'dominant-baseline="central">{escape(text)}</text>'
    )
