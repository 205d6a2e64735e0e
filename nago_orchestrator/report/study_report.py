"""All that a report is made of: the rows of one study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.rows import AttemptRow, EpochRow, EvaluationRow, GeneratorRow, StudyStatus, TrialRow
from nago_orchestrator.evaluation.generator_results import best_generator, compared_fidelity, merge_generators, searched
from nago_orchestrator.search.posterior import PosteriorEffects
from nago_trainer.contract.class_details import ClassDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    study: StudyStatus
    generator: str
    searched: tuple[str, ...]
    """Names of the hyperparameters that are not fixed."""
    objectives: tuple[Objective, ...]
    """The first one orders everything."""
    trials: Sequence[TrialRow]
    epochs: Sequence[EpochRow]
    evaluations: Sequence[EvaluationRow]
    """In evaluation order, those of final training included."""
    attempts: Sequence[AttemptRow]
    made_at: datetime
    warm_start: tuple[str, ...] = ()
    """The studies whose evaluations it began with."""
    drawing: str | None = None
    """The best trial's architecture as SVG."""
    phases: tuple[str, ...] = ("search",)
    """The algorithm of each."""
    learnt: tuple[str, ...] = ()
    """Objectives that the search's surrogate learns, where it has one."""
    trained: Sequence[FinalTraining] = ()
    """Generators with final training, with their trials."""
    details: Mapping[int, ClassDetails] = field(default_factory=dict)
    """By class, of the trials of final training."""
    networks: Mapping[int, str] = field(default_factory=dict)
    """By trial: the file of its saved network, or where that is."""
    posterior: PosteriorEffects | None = None
    effects_missing: str | None = None
    """Why there are none, in one sentence."""

    @property
    def objective(self) -> Objective:
        return self.objectives[0]

    @property
    def search(self) -> Sequence[EvaluationRow]:
        """The search's own evaluations, in evaluation order."""
        return searched(self.evaluations)

    @property
    def fidelity(self) -> int | None:
        """At which evaluations are compared."""
        return compared_fidelity(
            [row for row in self.evaluations if finite_value(row, self.objective.name) is not None]
        )

    @property
    def best(self) -> GeneratorRow | None:
        """The best generator at the fidelity that is compared, as the command `best` names it."""
        generators = merge_generators(self.evaluations, self.objectives, self.fidelity)
        return best_generator([row for row in generators if finite_value(row, self.objective.name) is not None])


def finite_value(row: EvaluationRow | GeneratorRow, name: str) -> float | None:
    value = row.objective_values.get(name)
    return value if value is not None and math.isfinite(value) else None
