"""The line of facts below the title of a drawn architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted


def network_notes(row: Mapping[str, Any]) -> list[str]:
    """From a row with nodes, parameters, bytes_per_sample and width; what is None is left out."""
    texts = [counted(row["nodes"], "node"), counted(row["parameters"], "parameter")]
    if row.get("bytes_per_sample") is not None:
        texts.append(f"{quantities.size(row['bytes_per_sample'])} per sample in training")
    if row.get("width") is not None:
        texts.append(f"width {row['width']}")
    return texts
