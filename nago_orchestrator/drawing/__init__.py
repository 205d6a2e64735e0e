"""Pictures of an architecture's three levels: SVG always, PNG where Pillow is installed. Pure: the same arguments give
the same picture."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.drawing.compose import compose
from nago_orchestrator.drawing.png import picture_to_png
from nago_orchestrator.drawing.stage_shapes import stage_shapes
from nago_orchestrator.drawing.svg import picture_to_svg
from nago_trainer.architecture.architecture import Architecture
from nago_trainer.architecture.plan.plan import TensorShape

__all__ = ["draw_png", "draw_svg", "stage_shapes"]


def draw_svg(
    architecture: Architecture, *, title: str, notes: Sequence[str] = (), stages: Sequence[TensorShape] = ()
) -> str:
    """notes: facts for the line below the title, e.g. nodes and parameters. stages: from `stage_shapes`, if known."""
    return picture_to_svg(compose(architecture, title=title, notes=notes, stages=stages))


def draw_png(
    architecture: Architecture, *, title: str, notes: Sequence[str] = (), stages: Sequence[TensorShape] = ()
) -> bytes:
    """As `draw_svg`. Raises ImportError without Pillow."""
    return picture_to_png(compose(architecture, title=title, notes=notes, stages=stages))
