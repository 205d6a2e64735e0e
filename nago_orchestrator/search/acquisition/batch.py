"""The next batch, by the named search: the one door to this package. `proposers.mobo` calls it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from nago_orchestrator.search.acquisition.ehvi import Ehvi, EhviOptions
from nago_orchestrator.search.acquisition.inputs import Choice, CostModel, Cube, Observations
from nago_orchestrator.search.acquisition.usemo import Usemo, UsemoOptions


class Acquisition(StrEnum):
    USEMO = "usemo"
    """The paper's."""
    EHVI = "ehvi"
    """Expected improvement of the hypervolume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionOptions:
    acquisition: Acquisition = Acquisition.USEMO
    usemo: UsemoOptions = field(default_factory=UsemoOptions)
    ehvi: EhviOptions = field(default_factory=EhviOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be chosen: `count` points, all draws of the choice from `seed`."""

    count: int
    seed: int


def choose_batch(
    cost_model: CostModel, observations: Observations, cube: Cube, options: AcquisitionOptions, task: Task
) -> Choice:
    """Deterministic. `observations` has at least one evaluated point; predictions must be finite."""
    if options.acquisition is Acquisition.EHVI:
        return Ehvi(cost_model, observations, cube, options.ehvi, task.seed).choose(task.count)
    return Usemo(cost_model, observations, cube, options.usemo, task.seed).choose(task.count)
