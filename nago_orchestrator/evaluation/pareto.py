"""Which of several costs are best when there is more than one objective: domination, fronts, hypervolume.

Proposers, acquisitions, the report and the command line call it. Costs are minimised, shape (points, objectives). A
point with a cost that is not finite is on no front: it dominates nothing, and any finite point is better.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_MARGIN = 0.1
"""How far beyond the worst of the front the default reference lies, as a share of the front's range."""


def non_dominated(costs: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other point dominates, shape (points,); equal points are on the front together."""
    table = _table(costs)
    finite = _finite(table)
    mask = np.zeros(len(table), dtype=bool)
    mask[finite] = moocore.is_nondominated(table[finite], keep_weakly=True)
    return mask


def ranks(costs: ArrayLike) -> NDArray[np.int64]:
    """Number of each point's front, from 0, shape (points,), by non-dominated sorting (Deb et al., 2002).

    Points with a cost that is not finite share one rank behind all others.
    """
    table = _table(costs)
    finite = _finite(table)
    found = np.zeros(len(table), dtype=np.int64)
    found[finite] = moocore.pareto_rank(table[finite])
    found[~finite] = found[finite].max(initial=-1) + 1
    return found


def hypervolume(costs: ArrayLike, reference: ArrayLike) -> float:
    """Volume that the points dominate within the reference point, in the product of the objectives' units.

    A point that is not below the reference in every objective adds nothing; without any that is, it is 0.
    Raises ValueError unless the reference has one finite number per objective.
    """
    table = _table(costs)
    corner = _corner(reference, table)
    inside = _inside(table, corner)
    return float(moocore.hypervolume(table[inside], ref=corner)) if inside.any() else 0.0


def contributions(costs: ArrayLike, reference: ArrayLike) -> Array:
    """How much of the front's hypervolume each point alone dominates, shape (points,).

    It is 0 for a dominated point, for each of several equal points, and for one that is not below the reference in
    every objective. Raises ValueError unless the reference has one finite number per objective.
    """
    table = _table(costs)
    corner = _corner(reference, table)
    inside = _inside(table, corner)
    found = np.zeros(len(table))
    if inside.any():
        found[inside] = _contributions(table[inside], corner)
    return found


def default_reference(costs: ArrayLike) -> Array:
    """The reference point where the user gives none, shape (objectives,): a tenth of a range beyond the front's worst.

    Per objective: the largest cost on the front plus 0.1 times the front's range there. Where the front has no range,
    that of all finite points counts; where they have none either, the magnitude of the cost; for a cost of 0, 1.
    Dominated points do not move it, so a diverged training does not; a new end of the front does.
    Raises ValueError if no point is finite.
    """
    table = _table(costs)
    table = table[_finite(table)]
    if not len(table):
        raise ValueError("no reference point without a single point of finite costs")
    front = table[non_dominated(table)]
    worst = front.max(axis=0)
    scale = worst - front.min(axis=0)
    for fallback in (np.ptp(table, axis=0), np.abs(worst), np.ones_like(worst)):
        scale = np.where(scale > 0, scale, fallback)
    return np.asarray(worst + _MARGIN * scale, dtype=np.float64)


def _contributions(table: Array, corner: Array) -> Array:
    if table.shape[1] > 1:
        return np.asarray(moocore.hv_contributions(table, ref=corner), dtype=np.float64)
    # moocore knows none of a single objective: the front is the smallest cost.
    best = table[:, 0] == table.min()
    return np.where(best & (best.sum() == 1), corner[0] - table[:, 0], 0.0)


def _table(costs: ArrayLike) -> Array:
    table = np.asarray(costs, dtype=np.float64)
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError(f"costs have the shape {table.shape}, not (points, objectives)")
    return table


def _corner(reference: ArrayLike, table: Array) -> Array:
    corner = np.asarray(reference, dtype=np.float64)
    if corner.shape != table.shape[1:] or not np.isfinite(corner).all():
        raise ValueError(f"the reference point {corner.tolist()} is not {table.shape[1]} finite numbers")
    return corner


def _finite(table: Array) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(table).all(axis=1))


def _inside(table: Array, corner: Array) -> NDArray[np.bool_]:
    return np.asarray(_finite(table) & (table < corner).all(axis=1))
