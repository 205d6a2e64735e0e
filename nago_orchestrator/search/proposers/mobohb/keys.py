"""When two thetas are the same generator. Pure; `lessons.py` and `proposer.py` count by it."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import Theta
from nago_trainer.architecture import canonical

Key = tuple[float, ...]

_DIGITS = 10
"""Weights that are normalised twice differ by rounding."""


def key_of(theta: Theta) -> Key:
    """Equal for thetas that draw the same architectures."""
    return tuple(round(float(value), _DIGITS) for value in canonical(theta).values())
