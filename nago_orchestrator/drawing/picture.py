"""A picture as a list of shapes, in drawing order: what `compose` makes, and `svg` and `png` put on paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from nago_orchestrator.drawing.graph_layout import Point, Route


class Outline(StrEnum):
    CIRCLE = "circle"
    DIAMOND = "diamond"
    SQUARE = "square"


class Anchor(StrEnum):
    """Which part of a text stands at its point; always its middle from top to bottom."""

    START = "start"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle with round corners."""

    corner: Point
    width: float
    height: float
    fill: str
    stroke: str | None = None
    radius: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A smooth line through all points of its route, level at each of them."""

    name: str
    """Which edge of which graph it is."""
    route: Route
    stroke: str
    thickness: float

    def segments(self) -> Iterator[tuple[Point, Point, Point, Point]]:
        """Cubic Bézier curves: start, two control points, end."""
        for (x0, y0), (x1, y1) in pairwise(self.route):
            middle = (x0 + x1) / 2
            yield (x0, y0), (middle, y0), (middle, y1), (x1, y1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    name: str
    """Which node of which graph it is."""
    centre: Point
    radius: float
    outline: Outline
    fill: str
    stroke: str
    hint: str = ""
    """What a pointer over it tells, where the paper can."""

    def corners(self) -> tuple[Point, ...]:
        """Of a diamond or a square, about as large to the eye as the circle."""
        x, y = self.centre
        if self.outline is Outline.DIAMOND:
            far = self.radius * 1.2
            return (x - far, y), (x, y - far), (x + far, y), (x, y + far)
        far = self.radius * 0.88
        return (x - far, y - far), (x + far, y - far), (x + far, y + far), (x - far, y + far)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    at: Point
    text: str
    size: float
    colour: str
    anchor: Anchor = Anchor.START
    bold: bool = False


Shape = Box | Curve | Node | Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    width: float
    height: float
    background: str
    shapes: tuple[Shape, ...]
    title: str
