"""What older versions wrote: names of keys that have changed, and stored studies in the form of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, Field

from nago_orchestrator.errors import SpecError

RENAMED: Mapping[str, str] = {"gain": "acquisition", "final": "final_training"}
"""Old names of the study file's keys, which are still read, with their names of today."""

_USEMO_OR_EHVI = ("usemo", "ehvi")
"""Values of `acquisition` before `ehvi` became an algorithm; the key had another meaning then."""
_OF_MOBO_ALONE = ("gain", "uncertainty", "surrogate", "noise")


def renamed_from(old: str, *, to: str) -> Any:
    """Annotation of a section's field that is also read under its old name."""
    return Field(validation_alias=AliasChoices(to, old))


def renewed(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a study; raises SpecError for a search that is no longer offered."""
    search = stored.get("search")
    if not isinstance(search, Mapping):
        return dict(stored)
    phases = search.get("phases")
    if isinstance(phases, list):
        return {**stored, "search": {**search, "phases": [_renewed_phase(phase) for phase in phases]}}
    return {**stored, "search": _renewed_phase(search)}


def _renewed_phase(phase: Mapping[str, Any]) -> dict[str, Any]:
    """`mobo` had an `acquisition`, of which `ehvi` became a search of its own."""
    if phase.get("acquisition") not in _USEMO_OR_EHVI:
        return dict(phase)
    kept = {key: value for key, value in phase.items() if key != "acquisition"}
    if phase.get("acquisition") != "ehvi":
        return kept
    if phase.get("surrogate") != "gaussian-process":
        raise SpecError(
            "mobo with the acquisition ehvi and the surrogate network is no longer available", do="use algorithm ehvi"
        )
    return {**{key: value for key, value in kept.items() if key not in _OF_MOBO_ALONE}, "algorithm": "ehvi"}
