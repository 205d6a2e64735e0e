"""Small graphs with captions, row by row across the paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from nago_orchestrator.drawing.graph_drawing import GraphDrawing
from nago_orchestrator.drawing.graph_layout import Point
from nago_orchestrator.drawing.palette import CARD, CARD_BORDER, FAINT_TEXT
from nago_orchestrator.drawing.picture import Box, Label, Shape

GAP = 12.0
PADDING = 14.0
CAPTION = 20.0
"""Height of the caption's line."""
CAPTION_SIZE = 11.0
NARROWEST = 112.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    caption: str
    graph: GraphDrawing

    @property
    def width(self) -> float:
        return max(NARROWEST, self.graph.width + 2 * PADDING, len(self.caption) * CAPTION_SIZE * 0.56 + 2 * PADDING)

    @property
    def height(self) -> float:
        return self.graph.height + CAPTION + 2 * PADDING

    def shapes(self, corner: Point, height: float) -> Iterator[Shape]:
        """The graph stands in the middle of the room that the row's height leaves."""
        x, y = corner
        yield Box(corner=corner, width=self.width, height=height, fill=CARD, stroke=CARD_BORDER)
        yield Label(at=(x + PADDING, y + PADDING + 4), text=self.caption, size=CAPTION_SIZE, colour=FAINT_TEXT)
        free = height - CAPTION - 2 * PADDING - self.graph.height
        left = x + (self.width - self.graph.width) / 2
        yield from self.graph.shapes((left, y + PADDING + CAPTION + free / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Cards that found room."""

    shapes: tuple[Shape, ...]
    height: float
    shown: int


def flow(cards: Iterable[Card], corner: Point, *, width: float, rows: int) -> Flow:
    """As many cards as `rows` rows of this width hold, one at least; no more are asked for."""
    shapes: list[Shape] = []
    top = corner[1]
    shown = 0
    for row in islice(_rows(cards, width), rows):
        height = max(card.height for card in row)
        left = corner[0]
        for card in row:
            shapes.extend(card.shapes((left, top), height))
            left += card.width + GAP
        top += height + GAP
        shown += len(row)
    return Flow(shapes=tuple(shapes), height=top - GAP - corner[1], shown=shown)


def _rows(cards: Iterable[Card], width: float) -> Iterator[list[Card]]:
    row: list[Card] = []
    used = 0.0
    for card in cards:
        if row and used + card.width > width:
            yield row
            row, used = [], 0.0
        row.append(card)
        used += card.width + GAP
    if row:
        yield row
