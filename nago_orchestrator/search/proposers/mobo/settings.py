"""The settings of a multi-objective search, for `proposer.py` and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.acquisition.batch import AcquisitionOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class MoboOptions:
    batch: int = 8
    """Proposals that are chosen together, from the same fit."""
    initial: int | None = None
    """Size of the initial design; None: twice the dimensions and two. With evaluations from before, no more
    than `least_for_model` lacks."""
    least_for_model: int | None = None
    """Evaluations with costs below which no surrogate is fitted; None: one more than there are dimensions."""
    acquisition: AcquisitionOptions = field(default_factory=AcquisitionOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoboPlan:
    """The search's settings; equal plans make equal searches."""

    space: SearchSpace
    study_seed: int
    fidelity: int
    proposals: int
    objectives: int
    reference: tuple[float, ...] | None = None
    """The worst costs that count in the hypervolume, where the user gave one for every objective."""
    options: MoboOptions = field(default_factory=MoboOptions)

    @property
    def initial(self) -> int:
        given = self.options.initial
        return 2 * (len(self.space.dimensions) + 1) if given is None else given

    @property
    def least_for_model(self) -> int:
        given = self.options.least_for_model
        return len(self.space.dimensions) + 1 if given is None else given
