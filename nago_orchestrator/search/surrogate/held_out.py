"""Whether a Gaussian process can be trusted: how often its intervals contain evaluations that it was not fitted to.

Called by `kinds.py`; a proposer stores what is found here with its proposals, and the report shows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from nago_orchestrator.search.surrogate.port import Array

FEWEST_TO_JUDGE = 20
"""Evaluations below which a share of them says too little."""
LEAST_COVERAGE_90 = 0.6
"""Far below 0.9, and not by chance: of 20 evaluations so few lie within with a probability below one in a thousand."""


def held_out_diagnostics(deviations: Array) -> list[dict[str, Any]]:
    """Of each objective, JSON. `deviations`: `GaussianProcesses.leave_one_out`, shape (points, objectives).

    `coverage_50` and `coverage_90`: share of the evaluations within the central interval of that probability, each of
    them left out. `held_out` says so: the networks' coverage is of evaluations that they were fitted to.
    """
    return [_diagnose(column) for column in deviations.T]


def _diagnose(deviations: Array) -> dict[str, Any]:
    covered = _coverage(deviations, 0.9)
    problem = None
    if len(deviations) >= FEWEST_TO_JUDGE and covered < LEAST_COVERAGE_90:
        problem = (
            f"The 90 % interval covers {covered:.0%} of the evaluations, each left out in turn, "
            f"less than {LEAST_COVERAGE_90:.0%}."
        )
    return {
        "held_out": True,
        "coverage_50": _coverage(deviations, 0.5),
        "coverage_90": covered,
        "problem": problem,
    }


def _coverage(deviations: Array, share: float) -> float:
    """Central intervals of a normal distribution."""
    return float(np.mean(np.abs(deviations) <= norm.ppf(0.5 + share / 2)))
