"""How a study stands: its rows at one moment, when it last moved, how long it will take. For `nago-orch status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from nago_orchestrator.domain.final_rows import FinalTrainingCount
from nago_orchestrator.domain.rows import BestGenerator, LedgerRow, StudyStatus, TrialRow, widened
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.formatting.counts import learnt_from
from nago_orchestrator.services.missing_best import best_or_reason
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import RandomSection
from nago_orchestrator.store import final_training, queries
from nago_orchestrator.store.engine import OpenDatabase

FEWEST_FOR_ESTIMATE = 5
"""Trials that must have succeeded before their mean time is an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalTrainings:
    """The networks of the final training with the same number of epochs."""

    epochs: int
    networks: int
    states: tuple[tuple[TrialState, int], ...]


def grouped_by_epochs(rows: Sequence[FinalTrainingCount]) -> tuple[FinalTrainings, ...]:
    """`rows` in the order of their epochs."""
    found = []
    for epochs, alike in groupby(rows, key=lambda row: row.epochs):
        states = tuple((row.state, row.trials) for row in alike)
        found.append(FinalTrainings(epochs=epochs, networks=sum(count for _, count in states), states=states))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLook(StudyStatus):
    """All that the command shows of a study."""

    best: BestGenerator | None
    nothing: str | None
    """Why there is no best."""
    final_training_counts: tuple[FinalTrainingCount, ...]
    ledger: tuple[LedgerRow, ...]
    last_event_at: datetime

    @property
    def has_ended(self) -> bool:
        """Nothing comes any more, unless somebody resumes it."""
        return self.state in (StudyState.COMPLETED, StudyState.FAILED, StudyState.CANCELLED)

    @property
    def reasons_to_wait(self) -> tuple[tuple[str, int], ...]:
        """Of the running trials that wait: each reason and how many have it, the most frequent first."""
        return tuple(Counter(row.reason for row in self.waiting).most_common())

    @property
    def final_trainings(self) -> tuple[FinalTrainings, ...]:
        return grouped_by_epochs(self.final_training_counts)

    def seconds_since_last_event(self, now: datetime) -> float:
        """0 where the clocks of two machines differ."""
        return max((now - self.last_event_at).total_seconds(), 0.0)


def read_status(engine: OpenDatabase, study: str) -> StudyLook:
    row = queries.study_status(engine, study)
    newest = queries.list_trials(engine, study, limit=20)
    best, nothing = best_or_reason(engine, study, evaluations=row.evaluations)
    return widened(
        StudyLook,
        row,
        best=best,
        nothing=nothing,
        final_training_counts=tuple(final_training.counts(engine, study)),
        ledger=tuple(queries.gpu_ledger(engine, study)),
        last_event_at=last_event(row, newest),
    )


def last_event(status: StudyStatus, newest: Sequence[TrialRow]) -> datetime:
    """When the study or one of its newest or running trials last moved."""
    moments = [
        moment
        for row in (*newest, *status.running)
        for moment in (row.created_at, row.started_at, row.ended_at)
        if moment is not None
    ]
    return max([status.changed_at, *moments])


def seconds_left(status: StudyStatus) -> float | None:
    """Mean time of a trial times the trials to come over the parallelism; None where that would be a guess.

    It is one for every search whose number of trials or fidelity is not fixed from the start, so only random search
    has an estimate, and only once a few trials have finished.
    """
    spec = StudySpec.from_canonical(status.spec)
    if status.state != StudyState.RUNNING or not isinstance(spec.search, RandomSection):
        return None
    succeeded = status.trial_states.get(TrialState.SUCCEEDED, 0)
    if succeeded < FEWEST_FOR_ESTIMATE:
        return None
    to_come = spec.search.proposals * spec.architectures_per_proposal - status.finished
    return max(to_come, 0) * status.seconds / succeeded / spec.execution.parallelism


def warm_start(status: StudyStatus) -> str | None:
    """What it has learnt from which studies, in words; None without a warm start."""
    return learnt_from(status.prior, StudySpec.from_canonical(status.spec).warm_start) if status.prior else None
