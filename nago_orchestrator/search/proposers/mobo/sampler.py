"""One batch of a multi-objective search: the initial design, a choice by the model, or without one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Origin, Theta
from nago_orchestrator.search.acquisition.batch import Acquisition, Task, choose_batch
from nago_orchestrator.search.acquisition.candidates import fill, new_candidates, sobol
from nago_orchestrator.search.acquisition.inputs import Choice, CostModel, Cube, Observations
from nago_orchestrator.search.acquisition.scaling import Scaling
from nago_orchestrator.search.acquisition.streams import streams
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobo.observations import (
    CheapCosts,
    CheapObjectives,
    Records,
    clipped,
    cost_table,
    encode,
)
from nago_orchestrator.search.proposers.mobo.settings import MoboPlan
from nago_orchestrator.search.surrogate.port import Array, Fit, Fitted, Prediction, Surrogate

_DESIGN_POOL = 16
"""Sobol points looked at for each proposal made without a model, among which the likeliest feasible one is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    theta: Theta
    origin: Origin
    notes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    first: int
    """Number of its first proposal."""
    members: tuple[Member, ...]
    facts: Mapping[str, int | float]


class BatchMaker:
    """Deterministic in what it is given; keeps the model of the cheap costs, which is made once."""

    def __init__(self, plan: MoboPlan, fit: Fit, cheap: CheapObjectives | None) -> None:
        self._plan = plan
        self._fit = fit
        self._cheap = cheap
        self._cheap_costs: CheapCosts | None = None
        indices = () if cheap is None else cheap.indices
        self._learnt = tuple(index for index in range(plan.objectives) if index not in indices)
        self._encoding = Encoding(plan.space)
        self._cube = Cube(
            dimensions=self._encoding.dimensions,
            round=self._encoding.round,
            to_model=self._encoding.to_model,
            every=self._encoding.every(),
        )

    def make(self, first: int, size: int, records: Records, *, initial: bool) -> Batch:
        """The batch whose first proposal has the number `first`. `initial`: it is the initial design."""
        observations, scaling = encode(records, self._encoding, self._plan)
        if initial:
            return self._design(first, size, observations, {"design": "initial"})
        if len(observations.points) < self._plan.least_for_model:
            return self._design(first, size, observations, {"design": "too few evaluations for a model"})
        fitted = self._fit_to(first, records, observations)
        if not _is_finite(fitted.surrogate.predict(observations.points)):
            unusable = {"design": "the surrogate's predictions are not finite", "surrogate": fitted.notes}
            return self._design(first, size, observations, unusable)
        cost_model = self._cost_model(fitted.surrogate, scaling)
        task = Task(count=size, seed=self._seed(first, _Use.CHOICE))
        choice = choose_batch(cost_model, observations, self._cube, self._plan.options.acquisition, task)
        notes: dict[str, Any] = {
            **self._acquisition_notes(choice),
            "surrogate": fitted.notes,
            "clipped": clipped(cost_table(records, self._plan), scaling),
        }
        facts = {"candidates": choice.candidates}
        predictions = self._predictions(fitted.surrogate, choice.search_points, scaling)
        made = _Made(Origin.MODEL, observations, choice.repeats, notes, facts, predictions)
        return self._batch(first, choice.search_points, made)

    def _acquisition_notes(self, choice: Choice) -> Mapping[str, Any]:
        options = self._plan.options.acquisition
        notes: dict[str, Any] = {"acquisition": options.acquisition.value}
        if options.acquisition is Acquisition.USEMO:
            function = options.usemo.function
            notes |= {"gain": function.function.value, "uncertainty": function.uncertainty.value}
        if self._cheap_costs is not None:
            notes["known"] = self._cheap_costs.notes
        return notes | ({"reference_moved": True} if choice.reference_moved else {})

    def _design(self, first: int, size: int, observations: Observations, notes: Mapping[str, Any]) -> Batch:
        """Sobol points; where some were infeasible, each the likeliest feasible one of its part of a larger design."""
        point_seed, fill_seed = streams(self._seed(first, _Use.CHOICE), 2)
        blocked = observations.keys()
        pool = new_candidates(sobol(self._cube.dimensions, size * _DESIGN_POOL, point_seed), self._cube, blocked)
        found = fill(pool, self._cube, blocked, size, fill_seed)
        new, again = found.new, found.again
        likely, count = observations.log_feasible(new.points), min(size, len(new))
        parts = [np.arange(start, len(new), count) for start in range(count)]
        chosen = [part[np.argmax(likely[part])] for part in parts]
        search_points = np.vstack([new.search_points[chosen], again.search_points[: size - count]])
        return self._batch(first, search_points, _Made(Origin.RANDOM, observations, count < size, notes, {}))

    def _fit_to(self, first: int, records: Records, observations: Observations) -> Fitted:
        samples = np.array(records.samples, dtype=np.float64)
        return self._fit(observations.points, observations.costs[:, self._learnt], samples, self._seed(first, _Use.FIT))

    def _cost_model(self, surrogate: Surrogate, scaling: Scaling) -> CostModel:
        if self._cheap is None:
            return CostModel(surrogate=surrogate, learnt=self._learnt)
        if self._cheap_costs is None:
            self._cheap_costs = self._cheap.costs()
        costs, indices = self._cheap_costs.at, self._cheap.indices
        scaled = scaling.of(indices)
        return CostModel(
            surrogate=surrogate,
            learnt=self._learnt,
            cheap=indices,
            cheap_costs=lambda points: scaled.forward(costs(points)),
        )

    def _predictions(self, surrogate: Surrogate, search_points: Array, scaling: Scaling) -> list[list[dict[str, Any]]]:
        """For each point and each learnt objective the posterior there, as costs in the user's units."""
        own = scaling.of(self._learnt)
        seen = surrogate.predict(self._cube.to_model(search_points))
        mean = own.centre + own.deviation * seen.mean
        epistemic, aleatoric = (own.deviation * np.sqrt(part) for part in (seen.epistemic, seen.aleatoric))
        return [
            [
                {
                    "objective": objective,
                    "mean": float(mean[row, column]),
                    "epistemic": float(epistemic[row, column]),
                    "aleatoric": float(aleatoric[row, column]),
                }
                for column, objective in enumerate(self._learnt)
            ]
            for row in range(len(search_points))
        ]

    def _batch(self, first: int, search_points: Array, made: _Made) -> Batch:
        observations = made.observations
        notes = {
            **made.notes,
            "evaluations": len(observations.points),
            "pending": len(observations.pending),
            "infeasible": len(observations.infeasible),
            "repeats": made.repeats,
        }
        facts = {**made.facts, "points_in_model": len(observations.points)}
        thetas = self._encoding.decode(search_points)
        own = [{"prediction": prediction} for prediction in made.predictions] or [{}] * len(thetas)
        members = tuple(
            Member(theta=theta, origin=made.origin, notes={**notes, **expected})
            for theta, expected in zip(thetas, own, strict=True)
        )
        return Batch(first=first, members=members, facts=facts)

    def _seed(self, first: int, use: _Use) -> int:
        return int(seeds.proposal(self._plan.study_seed, first).generate_state(2, np.uint32)[use])


class _Use(IntEnum):
    """What a batch's randomness is for."""

    CHOICE = 0
    FIT = 1


class _Made(NamedTuple):
    origin: Origin
    observations: Observations
    repeats: bool
    notes: Mapping[str, Any]
    facts: Mapping[str, int | float]
    predictions: Sequence[Sequence[Mapping[str, Any]]] = ()


def _is_finite(prediction: Prediction) -> bool:
    return all(np.isfinite(part).all() for part in (prediction.mean, prediction.epistemic, prediction.aleatoric))
