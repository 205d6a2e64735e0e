"""The rows of `benchmarks.digits_searches`, and from them fronts and hypervolumes. The picture reads them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.evaluation.pareto import hypervolume, non_dominated

Array = NDArray[np.float64]

FULL = 4
"""Epochs at which fronts are compared."""
BOX = (0.2, 60_000.0)
"""Error and bytes per sample that still count, the study's reference point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One evaluation."""

    search: str
    seed: int
    proposal: int
    phase: int
    epochs: int
    origin: str
    again: bool
    """Whether it is a generator of the front, trained anew when the search was over."""
    networks: int
    error: float
    """On the validation images; the mean of its networks."""
    memory: float
    """Bytes per sample, likewise."""


def costs(rows: Sequence[Row], seed: int, *, again: bool) -> Array:
    """At the full fidelity, shape (points, 2): error and memory."""
    chosen = [(row.error, row.memory) for row in rows if (row.seed, row.again, row.epochs) == (seed, again, FULL)]
    return np.array(chosen, dtype=np.float64).reshape(-1, 2)


def share_of_box(rows: Sequence[Row], seed: int, *, again: bool) -> float:
    return hypervolume(costs(rows, seed, again=again), BOX) / (BOX[0] * BOX[1])


def median_front(rows: Sequence[Row], *, again: bool) -> Array:
    """What half of the seeds attain (Fonseca and Fleming, 1996), shape (points, 2), by memory.

    A seed attains a point that one of its own dominates or equals.
    """
    seeds = sorted({row.seed for row in rows})
    tables = [costs(rows, seed, again=again) for seed in seeds]
    sets = np.repeat(seeds, [len(table) for table in tables])
    attained = moocore.eaf(np.vstack(tables), sets, percentiles=[50])[:, :2]
    front = attained[non_dominated(attained)]
    return np.asarray(front[np.argsort(front[:, 1])], dtype=np.float64)
