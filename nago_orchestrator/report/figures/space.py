"""Search spaces side by side: what their networks need, as one histogram for each space and quantity.

After figure 7 of Ru, Esperança and Carlucci (2020), with logarithmic axes. A `Picture` of shapes, so that it can be SVG
or PNG without a plotting library. Called by `nago-orch space`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from nago_orchestrator.drawing.palette import BACKGROUND, CARD, FAINT_EDGE, FAINT_TEXT, TEXT
from nago_orchestrator.drawing.picture import Anchor, Box, Label, Picture, Shape
from nago_orchestrator.formatting import quantities

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart under the common forms of colour blindness (Okabe and Ito, 2008)."""
BINS = 48
EMPTY = "nothing to show: none of the samples can be trained"
_MARGIN, _PANEL_WIDTH, _PANEL_HEIGHT, _GAP = 40.0, 470.0, 96.0, 44.0
_HEAD, _FOOT = 112.0, 44.0
_LEAST_SPREAD = 1.25
"""Of an axis, from end to end, where all draws are nearly the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    key: str
    title: str
    show: Callable[[float], str]


QUANTITIES = (
    Quantity(key="bytes_per_sample", title="memory per image in training", show=quantities.size),
    Quantity(key="nodes", title="nodes", show=quantities.count),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSample:
    """One row of the picture."""

    name: str
    values: Mapping[str, Sequence[float]]
    """By quantity, over the feasible draws; all above 0."""


def compose_spaces(samples: Sequence[SpaceSample], *, title: str, note: str) -> Picture:
    """A row for each space, a column for each quantity; rows of a column share its axis."""
    shapes: list[Shape] = [
        Label(at=(_MARGIN, 36), text=title, size=20, colour=TEXT, bold=True),
        Label(at=(_MARGIN, 62), text=note, size=12, colour=FAINT_TEXT),
    ]
    for column, quantity in enumerate(QUANTITIES):
        shapes += _column(samples, quantity, _MARGIN + column * (_PANEL_WIDTH + _GAP))
    width = 2 * _MARGIN + len(QUANTITIES) * (_PANEL_WIDTH + _GAP) - _GAP
    height = _HEAD + len(samples) * (_PANEL_HEIGHT + _GAP) + _FOOT
    return Picture(width=width, height=height, background=BACKGROUND, shapes=tuple(shapes), title=title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Logarithmic, from `low` to `high` over `width` units that begin at `left`."""

    low: float
    high: float
    left: float
    width: float

    def at(self, value: float) -> float:
        return self.left + self.width * math.log(value / self.low) / math.log(self.high / self.low)

    def bin_of(self, value: float) -> int:
        return min(int(BINS * (self.at(value) - self.left) / self.width), BINS - 1)

    def ticks(self) -> Iterator[float]:
        """1, 2 and 5 times the powers of ten that lie on it; every second of them where there are many."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [step * 10.0**power for power in powers for step in (1, 2, 5)]
        inside = [value for value in found if self.low <= value <= self.high]
        yield from inside[:: 1 + len(inside) // 10] or [math.sqrt(self.low * self.high)]


def axis_over(values: Sequence[float], left: float, width: float) -> Axis:
    """Wide enough for all values, and never without spread. Of no values, an axis around 1."""
    low, high = (min(values), max(values)) if values else (1.0, 1.0)
    stretch = max(1.04, math.sqrt(_LEAST_SPREAD * low / high))
    return Axis(low=low / stretch, high=high * stretch, left=left, width=width)


def _column(samples: Sequence[SpaceSample], quantity: Quantity, left: float) -> Iterator[Shape]:
    values = [value for sample in samples for value in sample.values[quantity.key]]
    axis = axis_over(values, left, _PANEL_WIDTH)
    ticks = list(axis.ticks()) if values else []
    yield Label(at=(left, _HEAD - 22), text=quantity.title, size=14, colour=TEXT, bold=True)
    for row, sample in enumerate(samples):
        top = _HEAD + row * (_PANEL_HEIGHT + _GAP) + _GAP / 2
        yield Box(corner=(left, top), width=axis.width, height=_PANEL_HEIGHT, fill=CARD, radius=0)
        for tick in ticks:
            yield Box(corner=(axis.at(tick), top), width=0.7, height=_PANEL_HEIGHT, fill=FAINT_EDGE, radius=0)
        yield from _histogram(sample, quantity, axis, top, COLOURS[row % len(COLOURS)])
    bottom = _HEAD + len(samples) * (_PANEL_HEIGHT + _GAP) - _GAP / 2
    for tick in ticks:
        at = (axis.at(tick), bottom + 16)
        yield Label(at=at, text=quantity.show(tick), size=11, colour=FAINT_TEXT, anchor=Anchor.MIDDLE)


def _histogram(sample: SpaceSample, quantity: Quantity, axis: Axis, top: float, colour: str) -> Iterator[Shape]:
    values = sample.values[quantity.key]
    words = f"{sample.name}: {summary(values, quantity.show)}"
    yield Label(at=(axis.left, top - 9), text=words, size=12, colour=TEXT)
    counts = [0] * BINS
    for value in values:
        counts[axis.bin_of(value)] += 1
    step = axis.width / BINS
    for number, count in enumerate(counts):
        if count:
            height = _PANEL_HEIGHT * count / max(counts)
            corner = (axis.left + number * step, top + _PANEL_HEIGHT - height)
            yield Box(corner=corner, width=step - 0.6, height=height, fill=colour, radius=0)
    if not values:
        middle = (axis.left + axis.width / 2, top + _PANEL_HEIGHT / 2 + 4)
        yield Label(at=middle, text=EMPTY, size=12, colour=FAINT_TEXT, anchor=Anchor.MIDDLE)
    else:
        yield Box(corner=(axis.at(median(values)) - 1, top), width=2, height=_PANEL_HEIGHT, fill=TEXT, radius=0)


def summary(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Ends and median, as in "8.3 MB to 45.8 MB, median 24.4 MB"."""
    if not values:
        return "no feasible sample"
    low, middle, high = show(min(values)), show(median(values)), show(max(values))
    return middle if low == high else f"{low} to {high}, median {middle}"
