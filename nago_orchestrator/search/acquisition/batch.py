"""The next batch, by the named search: the one door to this package. `proposers.mobo` calls it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from nago_orchestrator.search.acquisition.ehvi import Ehvi, EhviOptions
from nago_orchestrator.search.acquisition.landscape import Choice, Cube, Evidence, Landscape
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
    landscape: Landscape, evidence: Evidence, cube: Cube, options: AcquisitionOptions, task: Task
) -> Choice:
    """Deterministic. `evidence` has at least one evaluated point; predictions must be finite."""
    if options.acquisition is Acquisition.EHVI:
        return Ehvi(landscape, evidence, cube, options.ehvi, task.seed).choose(task.count)
    return Usemo(landscape, evidence, cube, options.usemo, task.seed).choose(task.count)
