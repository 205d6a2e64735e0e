"""The check of images that only trainers see: what is to be done from where it stands. Pure; a part of the planner.

One Job looks at the images before the first trial, after each resumption of the study, and when a trainer says that
they have changed. Until it has answered, nothing new begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nago_orchestrator.control_loop.actions import (
    Action,
    BeginDataCheck,
    EndDataCheck,
    EndStudy,
    NoteDataCheck,
    RepeatDataCheck,
    StopDataCheck,
)
from nago_orchestrator.control_loop.retries import RetryPolicy
from nago_orchestrator.control_loop.waiting_notes import USUAL_START
from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.data_checks import BAD_DATA, UNABLE, DataCheck, Known, conclude, unable
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState

REFUSED = "ExitCode64"
"""Without a report: of a trainer that does not know the command, which is named at the end of its log."""
COMMAND = ("check-data", "--job")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataState:
    """Of a study whose images only its trainers see."""

    checks: tuple[DataCheck, ...]
    """From the last one that ended well, oldest first."""
    study: StudyState
    changed_at: datetime
    """When the study came into its state."""
    draining: bool
    known: Known
    observation: Observation | None = None
    """Of the check that is under way."""
    suspects: tuple[Attempt, ...] = ()
    """Whose trainers say that the images have changed."""

    @property
    def live(self) -> DataCheck | None:
        return next((check for check in self.checks if not check.state.is_final), None)

    @property
    def is_open(self) -> bool:
        """Whether a check is under way or due."""
        return self.live is not None or self._is_due()

    def holds(self, attempt: Attempt) -> bool:
        """Whether the outcome of an attempt is decided only after a check: its trainer says that the images changed."""
        goes_on = self.study is StudyState.RUNNING and not self.draining
        return goes_on and self.is_open and attempt in self.suspects

    def is_doubted(self, study_changed_at: datetime) -> bool:
        """Whether a check of that time follows one that ended well: then a trainer has brought it about."""
        return any(
            check.state is AttemptState.SUCCEEDED and check.study_changed_at == study_changed_at
            for check in self.checks
        )

    def _is_due(self) -> bool:
        """Whether no check has ended since the study was resumed, or none has begun since an attempt reported changes.

        The study may have been resumed by another machine's clock: its times are compared for equality alone.
        """
        done = [check for check in self.checks if check.state is AttemptState.SUCCEEDED]
        if all(check.study_changed_at != self.changed_at for check in done):
            return True
        return any(attempt.created_at > done[-1].created_at for attempt in self.suspects)


def plan_data_check(data: DataState | None, retries: RetryPolicy, now: datetime) -> list[Action]:
    """`data`: None where no check is needed."""
    if data is None:
        return []
    live = data.live
    if live is None:
        begins = data.study is StudyState.RUNNING and not data.draining and data.is_open
        return _begin(data, retries, now) if begins else []
    if data.study in (StudyState.CANCELLED, StudyState.FAILED):
        return [StopDataCheck(live)]
    seen = data.observation
    if seen is None:
        return []
    if seen.phase is Phase.ABSENT and live.state is AttemptState.CREATED:
        return [RepeatDataCheck(live, data.is_doubted(live.study_changed_at))]
    if seen.phase in (Phase.PENDING, Phase.RUNNING):
        return _note(live, seen, now)
    return _end(data, live, seen, retries)


def _begin(data: DataState, retries: RetryPolicy, now: datetime) -> list[Action]:
    failed = _failed(data)
    if failed:  # of any kind: nothing else waits here for its turn, as a trial does for a place
        pause = retries.back_off.pause(_count(failed, failed[-1].failure) - 1)
        waited = (now - (failed[-1].ended_at or now)).total_seconds()
        if 0 <= waited < pause:  # a clock that was set back does not make it longer
            return []
    last = data.checks[-1].number if data.checks else 0
    # An attempt of a machine whose clock is ahead must not look younger than every check that follows its doubt.
    created_at = max((now, *(attempt.created_at for attempt in data.suspects)))
    return [BeginDataCheck(last + 1, data.changed_at, created_at, data.is_doubted(data.changed_at))]


def _note(live: DataCheck, seen: Observation, now: datetime) -> list[Action]:
    """Why it waits is worth a write after a while, and when it changes."""
    if seen.phase is Phase.RUNNING:
        is_told = live.state is AttemptState.RUNNING and live.reason is None
        return [] if is_told else [NoteDataCheck(live, AttemptState.RUNNING, None, None)]
    if seen.reason is None or now < live.created_at + USUAL_START:
        return []
    if (seen.reason, seen.message) == (live.reason, live.message):
        return []
    return [NoteDataCheck(live, live.state, seen.reason, seen.message)]


def _end(data: DataState, live: DataCheck, seen: Observation, retries: RetryPolicy) -> list[Action]:
    if seen.data is not None:
        found = conclude(seen.data, data.known)
        if found.problem is None:
            return [EndDataCheck(live, AttemptState.SUCCEEDED, None, None, None, found)]
        reason, sentence = found.problem
        return _given_up(live, Failure.DEFECT, reason, sentence, sentence)
    if seen.reason == REFUSED and any(word in (seen.log_tail or "") for word in COMMAND):
        found = unable(data.known)
        return [EndDataCheck(live, AttemptState.SUCCEEDED, None, UNABLE, found.warnings[0], found)]
    failure = Failure.INFRASTRUCTURE if seen.phase is Phase.ABSENT else seen.failure or Failure.DEFECT
    message = seen.message or "its Job disappeared without a status"
    if seen.reason == BAD_DATA:
        return _given_up(live, failure, seen.reason, message, message)
    if _has_retries(data, failure, retries):
        return [EndDataCheck(live, AttemptState.FAILED, failure, seen.reason, message, None)]
    return _given_up(live, failure, seen.reason, message, f"the images could not be checked: {message}")


def _given_up(live: DataCheck, failure: Failure, reason: str | None, message: str, of_study: str) -> list[Action]:
    end = EndDataCheck(live, AttemptState.FAILED, failure, reason, message, None)
    return [end, EndStudy(StudyState.FAILED, of_study)]


def _has_retries(data: DataState, failure: Failure, retries: RetryPolicy) -> bool:
    if failure is Failure.INTERRUPTED:
        return True
    allowed = retries.infrastructure if failure is Failure.INFRASTRUCTURE else retries.defect
    return _count(_failed(data), failure) < allowed


def _failed(data: DataState) -> list[DataCheck]:
    """Tries of this resumption without an end that counts, since the last one that had such an end."""
    failed: list[DataCheck] = []
    for check in data.checks:
        if check.state is AttemptState.SUCCEEDED:
            failed = []
        elif check.state is AttemptState.FAILED and check.study_changed_at == data.changed_at:
            failed.append(check)
    return failed


def _count(checks: Sequence[DataCheck], failure: Failure | None) -> int:
    return sum(check.failure is failure for check in checks)
