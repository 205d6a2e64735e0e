"""An architecture as a picture: the top graph with its stages, the cells' middle graphs, the first bottom graphs.

Called by `draw_svg` and `draw_png`; the picture depends on nothing but the arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from nago_orchestrator.drawing.cards import GAP, PADDING, Card, flow
from nago_orchestrator.drawing.graph_drawing import GraphDrawing, Look, Scale, draw_graph
from nago_orchestrator.drawing.graph_layout import Point
from nago_orchestrator.drawing.legend import legend_shapes
from nago_orchestrator.drawing.palette import (
    BACKGROUND,
    FAINT_TEXT,
    OPERATION_COLOURS,
    STAGE_BANDS,
    STAGE_COLOURS,
    STAGE_TEXTS,
    TEXT,
)
from nago_orchestrator.drawing.picture import Anchor, Box, Label, Picture, Shape
from nago_trainer.architecture.architecture import Architecture, BottomGraph, Cell
from nago_trainer.architecture.plan.plan import TensorShape

WIDTH = 1200.0
MARGIN = 36.0
INNER = WIDTH - 2 * MARGIN
MIDDLE_ROWS = 5
BOTTOM_ROWS = 4
"""Rows of cards; what does not fit is counted."""
HEADING = 34.0
BAND_NOTES = 54.0
"""Height above the top graph for the stages' notes."""

TOP_SCALE = Scale(column=92.0, row=50.0, radius=18.0)
MIDDLE_SCALE = Scale(column=40.0, row=28.0, radius=9.5)
BOTTOM_SCALE = Scale(column=30.0, row=22.0, radius=7.5)

Stages = Mapping[int, TensorShape]
"""Channels and pixels by stage, as the plan has them."""
NO_STAGES: Stages = MappingProxyType({})


def compose(
    architecture: Architecture,
    *,
    title: str,
    notes: Sequence[str] = (),
    stages: Stages = NO_STAGES,
) -> Picture:
    """notes: facts for the line below the title. stages: channels and pixels of each stage, if they are known."""
    shapes: list[Shape] = [*_head(architecture, title, notes)]
    y = MARGIN + 92.0
    for section in (_top_section, _middle_section, _bottom_section):
        added, y = section(architecture, stages, y)
        shapes.extend(added)
    return Picture(
        width=WIDTH, height=y + MARGIN - HEADING / 2, background=BACKGROUND, shapes=tuple(shapes), title=title
    )


Section = tuple[list[Shape], float]
"""Its shapes, and where the next one begins."""


def _head(architecture: Architecture, title: str, notes: Sequence[str]) -> Iterator[Shape]:
    yield Label(at=(MARGIN, MARGIN + 4), text=title, size=22, colour=TEXT, bold=True)
    yield Label(at=(MARGIN, MARGIN + 31), text="  ·  ".join(notes), size=13.5, colour=FAINT_TEXT)
    yield from legend_shapes(architecture, (MARGIN, MARGIN + 62))


def _heading(text: str, y: float) -> Label:
    return Label(at=(MARGIN, y + 10), text=text, size=14.5, colour=TEXT, bold=True)


def _top_section(architecture: Architecture, stages: Stages, y: float) -> Section:
    looks = tuple(
        Look(
            fill=_of_stage(STAGE_COLOURS, stage),
            merge=merge,
            hint=f"cell {number + 1}: {_count(cell.dag.nodes, 'bottom graph')}, {merge.replace('_', ' ')}",
            label=str(number + 1),
            label_colour=_of_stage(STAGE_TEXTS, stage),
        )
        for number, (cell, stage, merge) in enumerate(
            zip(architecture.cells, architecture.stages, architecture.merges, strict=True)
        )
    )
    graph = draw_graph("top", architecture.dag, looks, TOP_SCALE, widest=INNER, groups=architecture.stages)
    used = len(set(architecture.stages))
    heading = _heading(f"Top graph: {_count(architecture.dag.nodes, 'cell')} in {_count(used, 'stage')}", y)
    corner = MARGIN + (INNER - graph.width) / 2, y + HEADING
    bands = _bands(architecture, graph, stages, corner)
    content = graph.shapes((corner[0], corner[1] + BAND_NOTES))
    return [heading, *bands, *content], corner[1] + BAND_NOTES + graph.height + PADDING + HEADING


def _bands(architecture: Architecture, graph: GraphDrawing, stages: Stages, corner: Point) -> Iterator[Shape]:
    column = graph.scale.column
    for stage in sorted(set(architecture.stages)):
        columns = [place for place, own in zip(graph.layout.columns, architecture.stages, strict=True) if own == stage]
        left = corner[0] + graph.inset + (min(columns) - 0.5) * column + 2
        width = (max(columns) - min(columns) + 1) * column - 4
        height = BAND_NOTES + graph.height + PADDING
        yield Box(corner=(left, corner[1]), width=width, height=height, fill=_of_stage(STAGE_BANDS, stage))
        for line, (text, colour) in enumerate(
            zip(_stage_notes(stage, stages), (TEXT, FAINT_TEXT, FAINT_TEXT), strict=True)
        ):
            at = left + width / 2, corner[1] + 14 + 14 * line
            yield Label(at=at, text=text, size=11, colour=colour, anchor=Anchor.MIDDLE, bold=line == 0)


def _stage_notes(stage: int, stages: Stages) -> tuple[str, str, str]:
    if stage not in stages:
        return f"stage {stage + 1}", f"1/{2**stage} resolution" if stage else "full resolution", ""
    shape = stages[stage]
    return f"stage {stage + 1}", f"{shape.size} × {shape.size} pixels", _count(shape.channels, "channel")


def _middle_section(architecture: Architecture, _: Stages, y: float) -> Section:
    cards = (_cell_card(architecture, number) for number in range(architecture.dag.nodes))
    found = flow(cards, (MARGIN, y + HEADING), width=INNER, rows=MIDDLE_ROWS)
    heading = _heading(f"Middle graphs: {_shown(found.shown, architecture.dag.nodes)}", y)
    return [heading, *found.shapes], y + HEADING + found.height + GAP + HEADING / 2


def _cell_card(architecture: Architecture, number: int) -> Card:
    cell, stage = architecture.cells[number], architecture.stages[number]
    looks = tuple(
        Look(
            fill=_of_stage(STAGE_COLOURS, stage),
            merge=merge,
            hint=f"bottom graph {number + 1}.{node + 1}: {_count(bottom.dag.nodes, 'node')}, {merge.replace('_', ' ')}",
            label=str(node + 1),
            label_colour=_of_stage(STAGE_TEXTS, stage),
        )
        for node, (bottom, merge) in enumerate(zip(cell.nodes, cell.merges, strict=True))
    )
    graph = draw_graph(f"cell {number}", cell.dag, looks, MIDDLE_SCALE, widest=INNER - 2 * PADDING)
    return Card(caption=f"cell {number + 1}", graph=graph)


def _bottom_section(architecture: Architecture, _: Stages, y: float) -> Section:
    total = sum(cell.dag.nodes for cell in architecture.cells)
    found = flow(_bottom_cards(architecture.cells), (MARGIN, y + HEADING), width=INNER, rows=BOTTOM_ROWS)
    heading = _heading(f"Bottom graphs: {_shown(found.shown, total)}", y)
    return [heading, *found.shapes], y + HEADING + found.height + GAP + HEADING / 2


def _bottom_cards(cells: Sequence[Cell]) -> Iterator[Card]:
    for number, cell in enumerate(cells):
        for node, bottom in enumerate(cell.nodes):
            graph = _bottom_drawing(f"cell {number} graph {node}", bottom)
            yield Card(caption=f"cell {number + 1}, graph {node + 1}", graph=graph)


def _bottom_drawing(name: str, bottom: BottomGraph) -> GraphDrawing:
    looks = tuple(
        Look(fill=OPERATION_COLOURS[operation], merge=merge, hint=f"{operation}, {merge.replace('_', ' ')}")
        for operation, merge in zip(bottom.operations, bottom.merges, strict=True)
    )
    return draw_graph(name, bottom.dag, looks, BOTTOM_SCALE, widest=INNER - 2 * PADDING)


def _of_stage(colours: Sequence[str], stage: int) -> str:
    return colours[stage % len(colours)]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shown(shown: int, total: int) -> str:
    return f"{total:,}" if shown == total else f"the first {shown} of {total:,}"
