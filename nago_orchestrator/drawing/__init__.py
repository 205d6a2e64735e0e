"""Pictures of an architecture's three levels: SVG always, PNG where Pillow is installed. Pure: the same arguments give
the same picture."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.drawing.compose import NO_STAGES, Stages, compose
from nago_orchestrator.drawing.png import picture_to_png
from nago_orchestrator.drawing.svg import picture_to_svg
from nago_trainer.architecture.architecture import Architecture

__all__ = ["draw_png", "draw_svg"]


def draw_svg(
    architecture: Architecture,
    *,
    title: str,
    notes: Sequence[str] = (),
    stages: Stages = NO_STAGES,
) -> str:
    """notes: facts below the title, e.g. nodes and parameters. stages: `stage_shapes` of the plan, if known."""
    return picture_to_svg(compose(architecture, title=title, notes=notes, stages=stages))


def draw_png(
    architecture: Architecture,
    *,
    title: str,
    notes: Sequence[str] = (),
    stages: Stages = NO_STAGES,
) -> bytes:
    """As `draw_svg`. Raises ImportError without Pillow."""
    return picture_to_png(compose(architecture, title=title, notes=notes, stages=stages))
