"""Keys of JSON and CSV that were renamed: the former ones stay beside the new ones, for scripts that read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FORMER: Mapping[str, str] = {
    "evaluated_at": "told_at",
    "evaluations_before": "told_before",
    "final_training": "final",
    "final_training_counts": "full_trainings",
}


def with_former_names(row: Mapping[str, Any]) -> dict[str, Any]:
    """The former names at the places that they always had, the new ones after all others."""
    kept = {_FORMER.get(key, key): value for key, value in row.items()}
    return kept | {key: value for key, value in row.items() if key in _FORMER}
