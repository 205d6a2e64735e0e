"""The best generator of a study, and how its networks vary: those of the search, and those of the final training."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from statistics import fmean, stdev

from nago_orchestrator.domain.rows import BestGenerator, FinalTraining
from nago_orchestrator.evaluation.generator_results import trial_value
from nago_orchestrator.services.missing_best import without_value
from nago_orchestrator.store import found, queries
from nago_orchestrator.store.engine import OpenDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Of a generator, over all its networks at one fidelity: mean and standard deviation of an objective."""

    objective: str
    proposals: tuple[int, ...]
    networks: int
    mean: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalSummary:
    """Of a generator in the final training: mean and standard deviation over its networks, and the best of them."""

    parent: int | None
    epochs: int
    networks: int
    finished: int
    accuracy: float | None
    deviation: float | None
    best: int | None
    """The trial."""
    network: str | None
    """Where it was saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BestOfStudy:
    row: BestGenerator | None
    generator: Repeats | None
    """None without a best."""
    trained: tuple[FinalTraining, ...]
    missing: str
    """Why there is no best; else empty."""


def best_of_study(engine: OpenDatabase, study: str) -> BestOfStudy:
    row = found.incumbent(engine, study)
    return BestOfStudy(
        row=row,
        generator=None if row is None else repeats_of(row),
        trained=tuple(queries.final_training(engine, study)),
        missing=f"the study {study} has {without_value(engine, study)}" if row is None else "",
    )


def repeats_of(row: BestGenerator) -> Repeats:
    objective = next(iter(row.objective_values))
    of_trials = [(trial.proposal, trial_value(trial, objective)) for trial in row.trials]
    known = [(proposal, value) for proposal, value in of_trials if value is not None]
    values = [value for _, value in known]
    return Repeats(
        objective=objective,
        proposals=tuple(sorted({proposal for proposal, _ in known})),
        networks=len(values),
        mean=fmean(values) if values else None,
        deviation=stdev(values) if len(values) > 1 else None,
    )


def summary_of(row: FinalTraining) -> FinalSummary:
    done = [(trial.validation_accuracy, trial) for trial in row.trials if trial.validation_accuracy is not None]
    accuracies = [accuracy for accuracy, _ in done]
    _, top = max(done, key=itemgetter(0), default=(None, None))
    return FinalSummary(
        parent=row.parent,
        epochs=row.epochs,
        networks=len(row.trials),
        finished=len(done),
        accuracy=fmean(accuracies) if accuracies else None,
        deviation=stdev(accuracies) if len(accuracies) > 1 else None,
        best=None if top is None else top.trial,
        network=None if top is None else top.network,
    )
