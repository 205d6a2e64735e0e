"""One graph with its layout and the look of its nodes, as shapes at a place on the paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nago_orchestrator.drawing.graph_layout import GraphLayout, Point, Route, lay_out_graph
from nago_orchestrator.drawing.palette import EDGE, FAINT_EDGE, NODE_BORDER, TERMINAL
from nago_orchestrator.drawing.picture import Anchor, Curve, Label, Node, Outline, Shape
from nago_trainer.architecture.architecture import Dag

MERGE_OUTLINES = {
    "weighted_sum": Outline.CIRCLE,
    "attention_sum": Outline.DIAMOND,
    "concat": Outline.SQUARE,
}
TERMINAL_PART = 0.36
"""Radius of entry and exit as a part of a node's."""
HIGHEST = 0.4
"""Height of a graph as a part of the width that it may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Distances of a level of graphs, in units of the picture."""

    column: float
    row: float
    radius: float

    def times(self, factor: float) -> Scale:
        return Scale(column=self.column * factor, row=self.row * factor, radius=self.radius * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Of one node."""

    fill: str
    merge: str
    hint: str
    label: str = ""
    label_colour: str = NODE_BORDER


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphDrawing:
    name: str
    dag: Dag
    layout: GraphLayout
    looks: tuple[Look, ...]
    scale: Scale

    @property
    def inset(self) -> float:
        """Of the layout from the left side: room for the entry."""
        return self.scale.radius * TERMINAL_PART

    @property
    def width(self) -> float:
        return self.layout.width + 2 * self.inset

    @property
    def height(self) -> float:
        """Of the nodes as well, which reach over their centres."""
        return self.layout.height + 2.4 * self.scale.radius

    def shapes(self, corner: Point) -> Iterator[Shape]:
        """With the upper left corner of the graph's box there: edges first, so that nodes lie over them."""
        x, y = corner[0] + self.inset, corner[1] + 1.2 * self.scale.radius
        ends = (*self.layout.entering, *self.layout.leaving)
        for number, route in enumerate(ends):
            yield self._curve(f"{self.name} end {number}", route, (x, y), FAINT_EDGE)
        for (low, high), route in zip(self.dag.edges, self.layout.edges, strict=True):
            yield self._curve(f"{self.name} edge {low} {high}", route, (x, y), EDGE)
        for name, point in (("entry", self.layout.entry), ("exit", self.layout.exit)):
            yield Node(
                name=f"{self.name} {name}",
                centre=(point[0] + x, point[1] + y),
                radius=self.inset,
                outline=Outline.CIRCLE,
                fill=TERMINAL,
                stroke=NODE_BORDER,
            )
        for number, (point, look) in enumerate(zip(self.layout.nodes, self.looks, strict=True)):
            yield from self._node(number, (point[0] + x, point[1] + y), look)

    def _curve(self, name: str, route: Route, origin: Point, stroke: str) -> Curve:
        moved = tuple((x + origin[0], y + origin[1]) for x, y in route)
        return Curve(name=name, route=moved, stroke=stroke, thickness=max(0.6, 0.12 * self.scale.radius**0.9))

    def _node(self, number: int, centre: Point, look: Look) -> Iterator[Shape]:
        yield Node(
            name=f"{self.name} node {number}",
            centre=centre,
            radius=self.scale.radius,
            outline=MERGE_OUTLINES[look.merge],
            fill=look.fill,
            stroke=NODE_BORDER,
            hint=look.hint,
        )
        if look.label:
            size = 0.85 * self.scale.radius
            yield Label(
                at=centre, text=look.label, size=size, colour=look.label_colour, anchor=Anchor.MIDDLE, bold=True
            )


def draw_graph(
    name: str, dag: Dag, looks: tuple[Look, ...], scale: Scale, *, widest: float, groups: tuple[int, ...] | None = None
) -> GraphDrawing:
    """Shrunk where it would be wider than `widest`, or too high beside it. groups: as in `lay_out_graph`."""
    layout = lay_out_graph(dag, column=scale.column, row=scale.row, groups=groups)
    room = widest - 2 * scale.radius
    factor = min(1.0, room / layout.width, HIGHEST * room / max(layout.height, 1.0))
    if factor < 1.0:
        scale = scale.times(factor)
        layout = lay_out_graph(dag, column=scale.column, row=scale.row, groups=groups)
    return GraphDrawing(name=name, dag=dag, layout=layout, looks=looks, scale=scale)
