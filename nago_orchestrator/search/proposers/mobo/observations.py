"""From stored proposals, evaluations and priors to the observations of a surrogate and an acquisition. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation, Proposal, Theta
from nago_orchestrator.search.acquisition.inputs import Observations
from nago_orchestrator.search.acquisition.scaling import Scaling, scaling_of
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobo.settings import MoboPlan
from nago_orchestrator.search.surrogate.port import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapCosts:
    at: Callable[[Array], Array]
    """From points of the model cube to costs in the user's units, shape (points, cheap objectives)."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """How they are known, JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapObjectives:
    """Objectives whose costs need no evaluation to be learnt."""

    indices: tuple[int, ...]
    """Among all objectives, ascending."""
    costs: Callable[[], CheapCosts]
    """Called once, before the first fit: it may take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What was known when a batch was made."""

    evaluated: tuple[Theta, ...]
    costs: tuple[tuple[float, ...], ...]
    samples: tuple[int, ...]
    pending: tuple[Theta, ...]
    infeasible: tuple[Theta, ...]


def gather(
    prior: Sequence[PriorEvaluation], proposals: Sequence[Proposal], evaluations: Sequence[Evaluation]
) -> Records:
    """Of proposals that were lost nothing is known: they are in none of the groups and may be proposed again."""
    thetas = {proposal.number: proposal.theta for proposal in proposals}
    found: list[tuple[Theta, PriorEvaluation | Evaluation]] = [(item.theta, item) for item in prior]
    found += [(thetas[item.proposal], item) for item in evaluations if item.proposal in thetas]
    told = {item.proposal for item in evaluations}
    ok = [(theta, item) for theta, item in found if item.outcome is Outcome.OK]
    return Records(
        evaluated=tuple(theta for theta, _ in ok),
        costs=tuple(item.costs for _, item in ok),
        samples=tuple(item.samples for _, item in ok),
        pending=tuple(theta for number, theta in thetas.items() if number not in told),
        infeasible=tuple(theta for theta, item in found if item.outcome is Outcome.INFEASIBLE),
    )


def cost_table(records: Records, plan: MoboPlan) -> Array:
    """Every evaluation has `plan.objectives` costs: shape (evaluated, objectives)."""
    return np.array(records.costs, dtype=np.float64).reshape(len(records.evaluated), plan.objectives)


def clipped(costs: Array, scaling: Scaling) -> int:
    """How many costs, of shape (points, objectives), are given to the model as another number than they are."""
    return int(np.count_nonzero(~((costs <= scaling.ceiling) & np.isfinite(costs))))


def encode(records: Records, encoding: Encoding, plan: MoboPlan) -> tuple[Observations, Scaling]:
    """With scaled costs, and their scaling."""
    costs = cost_table(records, plan)
    scaling = scaling_of(costs)
    observations = Observations(
        points=encoding.encode(records.evaluated),
        search_points=encoding.locate(records.evaluated),
        costs=scaling.forward(costs),
        pending=encoding.encode(records.pending),
        infeasible=encoding.encode(records.infeasible),
        reference=None if plan.reference is None else scaling.scale(np.array(plan.reference)),
    )
    return observations, scaling
