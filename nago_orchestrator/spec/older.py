"""Stored studies as older versions wrote them, in the form of today. Called when one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nago_orchestrator.errors import SpecError

_OF_MOBO_ALONE = ("gain", "uncertainty", "surrogate", "noise")


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
    kept = {key: value for key, value in phase.items() if key != "acquisition"}
    if phase.get("acquisition") != "ehvi":
        return kept
    if phase.get("surrogate") != "gaussian-process":
        raise SpecError("A search by mobo with acquisition ehvi on a network is no longer offered: use algorithm ehvi.")
    return {**{key: value for key, value in kept.items() if key not in _OF_MOBO_ALONE}, "algorithm": "ehvi"}
