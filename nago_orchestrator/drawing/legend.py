"""What colours and outlines mean: only those that the architecture uses."""

from __future__ import annotations

from collections.abc import Iterator

from nago_orchestrator.drawing.graph_drawing import MERGE_OUTLINES
from nago_orchestrator.drawing.graph_layout import Point
from nago_orchestrator.drawing.palette import FAINT_TEXT, NODE_BORDER, OPERATION_COLOURS, TERMINAL
from nago_orchestrator.drawing.picture import Label, Node, Outline, Shape
from nago_trainer.architecture.architecture import Architecture

SIZE = 12.0
RADIUS = 6.5
_OPERATIONS = {
    "conv1x1": "conv 1×1",
    "conv3x3": "conv 3×3",
    "conv5x5": "conv 5×5",
    "pool3x3": "pool 3×3",
    "pool5x5": "pool 5×5",
}
_MERGES = {"weighted_sum": "weighted sum", "attention_sum": "attention sum", "concat": "concatenation"}

Entry = tuple[str, Outline, str]
"""Text, outline, colour."""


def legend_entries(architecture: Architecture) -> tuple[Entry, ...]:
    bottoms = [bottom for cell in architecture.cells for bottom in cell.nodes]
    operations = {operation for bottom in bottoms for operation in bottom.operations}
    cells = [architecture.merges, *(cell.merges for cell in architecture.cells)]
    merges = {merge for graph in (*cells, *(bottom.merges for bottom in bottoms)) for merge in graph}
    return (
        *((text, Outline.CIRCLE, OPERATION_COLOURS[name]) for name, text in _OPERATIONS.items() if name in operations),
        *((f"inputs: {text}", MERGE_OUTLINES[name], TERMINAL) for name, text in _MERGES.items() if name in merges),
    )


def legend_shapes(architecture: Architecture, start: Point) -> Iterator[Shape]:
    """In one line from `start` to the right."""
    x, y = start
    for text, outline, colour in legend_entries(architecture):
        yield Node(
            name=f"legend {text}",
            centre=(x + RADIUS, y),
            radius=RADIUS,
            outline=outline,
            fill=colour,
            stroke=NODE_BORDER,
        )
        yield Label(at=(x + 2 * RADIUS + 6, y), text=text, size=SIZE, colour=FAINT_TEXT)
        x += 2 * RADIUS + 6 + len(text) * SIZE * 0.54 + 20
