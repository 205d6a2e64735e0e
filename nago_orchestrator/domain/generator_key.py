"""When two thetas are the same generator: where their canonical forms agree, but for rounding."""

from __future__ import annotations

from collections.abc import Iterable

from nago_orchestrator.domain.proposals import Theta

GeneratorKey = tuple[float, ...]

_DIGITS = 9
"""Weights that are normalised twice differ by rounding."""


def generator_key(canonical_theta: Theta) -> GeneratorKey:
    """Equal for thetas that sample the same architectures. `canonical_theta`: of `nago_trainer.architecture.canonical`.

    It does not depend on the order of the hyperparameters.
    """
    return key_of_values(value for _, value in sorted(canonical_theta.items()))


def key_of_values(values: Iterable[float]) -> GeneratorKey:
    """The same of values whose order is fixed already, as those of a point of the model cube."""
    return tuple(round(float(value), _DIGITS) + 0.0 for value in values)  # + 0.0: no negative zero
