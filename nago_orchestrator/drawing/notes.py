"""The line of facts below the title of a drawn architecture."""

from __future__ import annotations

from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted


def network_notes(*, nodes: int, parameters: int, memory: int | None, width: int | None) -> list[str]:
    """`memory`: of a sample, in training. What is None is left out."""
    texts = [counted(nodes, "node"), counted(parameters, "parameter")]
    if memory is not None:
        texts.append(f"{quantities.size(memory)} per sample in training")
    if width is not None:
        texts.append(f"width {width}")
    return texts
