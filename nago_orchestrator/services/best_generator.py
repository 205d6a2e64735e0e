"""The best generator of a study, and how its networks vary: those of the search, and those of the final training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from statistics import fmean, stdev

from nago_orchestrator.domain.final_rows import FinalNetwork, FinalTraining
from nago_orchestrator.domain.rows import BestGenerator
from nago_orchestrator.evaluation.generator_results import trial_value
from nago_orchestrator.services.missing_best import without_value
from nago_orchestrator.store import final_training, found
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

    generator: str
    epochs: int
    networks: int
    finished: int
    accuracy: float | None
    deviation: float | None
    memory: float | None
    """Bytes per sample; this and the next three of all its networks that were sized."""
    memory_deviation: float | None
    parameters: float | None
    flops: float | None
    best: int | None
    """The trial."""
    network: str | None
    """Its file, or where that is."""


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
        trained=tuple(final_training.generators(engine, study)),
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


def final_summaries(trained: Sequence[FinalTraining], places: Mapping[int, str]) -> list[FinalSummary]:
    """One of each generator; then one of all that were drawn at random for as many epochs, if they are several.

    `places`: by trial, the file of its network, or where it is.
    """
    random: dict[int, list[FinalTraining]] = {}
    for row in trained:
        if row.parent is None:
            random.setdefault(row.epochs, []).append(row)
    return [
        *(_summary(row.generator, row.epochs, row.trials, places) for row in trained),
        *(
            _summary("all random", epochs, [trial for row in rows for trial in row.trials], places)
            for epochs, rows in random.items()
            if len(rows) > 1
        ),
    ]


def _summary(generator: str, epochs: int, trials: Sequence[FinalNetwork], places: Mapping[int, str]) -> FinalSummary:
    done = [(trial.validation_accuracy, trial) for trial in trials if trial.validation_accuracy is not None]
    accuracy, deviation = _spread([accuracy for accuracy, _ in done])
    memory, memory_deviation = _spread([trial.bytes_per_sample for trial in trials])
    _, top = max(done, key=itemgetter(0), default=(None, None))
    return FinalSummary(
        generator=generator,
        epochs=epochs,
        networks=len(trials),
        finished=len(done),
        accuracy=accuracy,
        deviation=deviation,
        memory=memory,
        memory_deviation=memory_deviation,
        parameters=_spread([trial.parameters for trial in trials])[0],
        flops=_spread([trial.flops for trial in trials])[0],
        best=None if top is None else top.trial,
        network=None if top is None else places.get(top.trial),
    )


def _spread(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard deviation of those that are known."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None, stdev(known) if len(known) > 1 else None
