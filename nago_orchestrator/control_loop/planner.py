"""The planner: from a snapshot of the study to the list of things to do. Pure; the loop executes the list.

Level-triggered: it looks at the whole state each time and keeps no memory, so an event that was missed costs one tick
and a restarted orchestrator plans as one that never died.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Action,
    Ask,
    CancelQueued,
    DiscardResult,
    EndAttempt,
    EndStudy,
    MarkRunning,
    RepeatStart,
    StartAttempt,
    StopAttempt,
    Tell,
)
from nago_orchestrator.control_loop.data_checks import DataState, plan_data_check
from nago_orchestrator.control_loop.result_check import missing_measure, result_problem
from nago_orchestrator.control_loop.retries import RetryPolicy, after_failure, is_due
from nago_orchestrator.control_loop.waiting_notes import waiting_notes
from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.resuming import FOUND_NOTHING
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial
from nago_orchestrator.executors.exit_causes import Cause, invalid_report, old_trainer
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.reports import TrialResult

PORTION = 16
RESULT_GRACE = timedelta(seconds=60)
"""How long the result of a trainer that ended well may be on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the study may spend; None means unlimited."""

    trials: int | None
    wall_time: timedelta | None
    gpu_hours: float | None
    failed_fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What the study has used so far."""

    trials: int
    succeeded: int
    infeasible: int
    failed: int
    recent_ended: int
    """Trials that ended since the study began or was resumed: what its failures are judged by."""
    recent_failed: int
    gpu_seconds: float
    ran: timedelta
    """How long the study has run: not while it was paused, nor without an orchestrator."""
    common_failure: str | None
    """The most frequent cause among the failed trials, for the message when the study is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    state: StudyState
    draining: bool
    """The orchestrator was asked to end: running attempts may finish, no new ones start."""
    trials: tuple[Trial, ...]
    """All that are not final."""
    observations: Mapping[str, Observation]
    """By the live attempts' names."""
    ready: tuple[int, ...]
    """Proposals whose trials are all final and that have no evaluation yet."""
    spent: Spent
    exhausted: bool
    """The proposer has nothing more to propose, whatever the evaluations."""
    waiting: bool
    """The proposer has nothing to propose until the next evaluation."""
    images_changed: str | None = None
    """What has become of the images since the study began, in one sentence; None while they are the same."""
    data: DataState | None = None
    """Of the check of the images, where only the trainers see them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    parallelism: int
    replicates: int
    limits: Limits
    retries: RetryPolicy
    measures: tuple[str, ...] = ()
    """Fields of a result that the study optimises and that older trainers do not report."""


def plan(snapshot: Snapshot, rules: Rules, now: datetime) -> list[Action]:
    """What to do next, in the order to do it. An empty list: wait.

    Of each kind at most PORTION, which is what makes many trials flow: the first of a hundred that end together have
    successors before the last is handled.
    """
    checking = plan_data_check(snapshot.data, rules.retries, now)
    if snapshot.state in (StudyState.CANCELLED, StudyState.FAILED):
        return [*_wind_up(snapshot), *checking]
    settled = _settle_attempts(snapshot, rules, now)
    end = _end_by_images(snapshot, checking)
    if end:
        # No trial is at fault: the end of the study queues all that were at work, for the day that it is resumed.
        return [*(action for action in settled if isinstance(action, AcceptResult)), *end]
    ends = [*settled[:PORTION], *map(Tell, snapshot.ready[:PORTION])]
    if snapshot.state is not StudyState.RUNNING or (snapshot.data is not None and snapshot.data.is_open):
        return [*ends, *checking]
    verdict = _verdict(snapshot, rules, now)
    if verdict is not None:
        return ends or [verdict]  # whatever has ended counts first
    if snapshot.draining:
        return ends
    starts = _starts(snapshot, rules, now)[:PORTION]
    ended = sum(isinstance(action, AcceptResult | EndAttempt) for action in settled)
    if 0 < ended < PORTION or len(snapshot.ready) > PORTION:
        return [*ends, *starts]  # a proposal shall know of all that has ended, unless this never comes to an end
    return [*ends, *starts, *_asks(snapshot, rules, now)[:PORTION]]


def _end_by_images(snapshot: Snapshot, checking: Sequence[Action]) -> list[Action]:
    """Empty unless they end the study."""
    if any(isinstance(action, EndStudy) for action in checking):
        return [*checking]
    if snapshot.images_changed is None or snapshot.state is not StudyState.RUNNING:
        return []
    return [EndStudy(StudyState.FAILED, snapshot.images_changed)]


def _wind_up(snapshot: Snapshot) -> list[Action]:
    """A cancelled study's trials are cancelled; a failed one's go back to the queue, for the day it is resumed."""
    cancelled = snapshot.state is StudyState.CANCELLED
    state = AttemptState.CANCELLED if cancelled else AttemptState.FAILED
    failure = None if cancelled else Failure.INTERRUPTED
    trial_to = TrialState.CANCELLED if cancelled else TrialState.QUEUED
    live = [(trial, attempt) for trial in snapshot.trials if (attempt := trial.live_attempt)][:PORTION]
    stops = [StopAttempt(attempt) for _, attempt in live]
    ends = [
        EndAttempt(trial, attempt, state, failure, snapshot.observations.get(attempt.name), trial_to)
        for trial, attempt in live
    ]
    queued = cancelled and any(trial.state is TrialState.QUEUED for trial in snapshot.trials)
    return [*stops, *ends, *([CancelQueued()] if queued else [])]


def _settle_attempts(snapshot: Snapshot, rules: Rules, now: datetime) -> list[Action]:
    actions: list[Action] = []
    for trial in snapshot.trials:
        attempt = trial.live_attempt
        observation = snapshot.observations.get(attempt.name) if attempt else None
        if attempt is not None and snapshot.data is not None and snapshot.data.holds(attempt):
            continue
        if attempt is not None and observation is not None:
            actions += _settle(trial, attempt, observation, rules, now)
        elif attempt is None and trial.result is not None:
            actions.append(_late(trial, trial.attempts[-1], trial.result, rules))
    return actions


def _late(trial: Trial, attempt: Attempt, result: TrialResult, rules: Rules) -> Action:
    """The newest attempt was declared lost, and then its trainer stored a result after all."""
    cause = _cause_to_refuse(trial, result, rules)
    if cause is not None:
        return DiscardResult(trial, attempt, result_problem(trial, result) or cause.message)
    return AcceptResult(trial, attempt, Observation(phase=Phase.ENDED), result)


def _settle(trial: Trial, attempt: Attempt, observation: Observation, rules: Rules, now: datetime) -> Sequence[Action]:
    result = observation.result or trial.result
    cause = _cause_to_refuse(trial, result, rules) if result is not None else None
    if cause is not None:
        return [_refuse(trial, attempt, observation, cause, rules.retries, now)]
    if result is not None:
        # What ended its process or Job afterwards, e.g. a deletion by hand, is no cause of a failure.
        return [AcceptResult(trial, attempt, replace(observation, reason=None, message=None), result)]
    if observation.phase is Phase.RUNNING and attempt.state is AttemptState.CREATED:
        return [MarkRunning(trial, attempt, observation)]
    if observation.phase in (Phase.PENDING, Phase.RUNNING):
        return waiting_notes(trial, attempt, observation, now)
    if observation.phase is Phase.ABSENT and attempt.state is AttemptState.CREATED:
        return [RepeatStart(trial, attempt)]
    if observation.exit_code == ExitCode.DONE and now < (observation.ended_at or now) + RESULT_GRACE:
        return []
    failure = Failure.INFRASTRUCTURE if observation.phase is Phase.ABSENT else observation.failure or Failure.DEFECT
    reached = max((record.epoch for record in observation.epochs), default=0)
    trial_to, not_before = after_failure(trial, (failure, observation.reason), rules.retries, now, epochs=reached)
    return [EndAttempt(trial, attempt, AttemptState.FAILED, failure, observation, trial_to, not_before)]


def _cause_to_refuse(trial: Trial, result: TrialResult, rules: Rules) -> Cause | None:
    problem = result_problem(trial, result)
    if problem is not None:
        return invalid_report(problem)
    missing = missing_measure(result, rules.measures)
    return None if missing is None else old_trainer(missing)


def _refuse(  # those of _settle, and the cause
    trial: Trial, attempt: Attempt, observation: Observation, cause: Cause, retries: RetryPolicy, now: datetime
) -> EndAttempt:
    """A result that does not count fails its attempt, and nothing else."""
    trial_to, not_before = after_failure(trial, (cause.failure, cause.reason), retries, now)
    seen = replace(observation, result=None, failure=cause.failure, reason=cause.reason, message=cause.message)
    return EndAttempt(
        trial, attempt, AttemptState.FAILED, cause.failure, seen, trial_to, not_before, discards_result=True
    )


def _verdict(snapshot: Snapshot, rules: Rules, now: datetime) -> EndStudy | None:
    failure = _failure_message(snapshot.spent, rules.limits)
    if failure is not None:
        return EndStudy(StudyState.FAILED, failure)
    if snapshot.trials:
        return None
    reached = reached_limit(snapshot.spent, rules, now)
    if reached is None and snapshot.exhausted:
        reached = "the search has evaluated all its proposals"
    if reached is not None:
        return _end(snapshot.spent, reached)
    if snapshot.waiting:
        return EndStudy(StudyState.FAILED, "the proposer waits for an evaluation, but no proposal is pending")
    return None


def _end(spent: Spent, reached: str) -> EndStudy:
    """A search that tried and found nothing has failed."""
    if spent.succeeded or not (spent.failed or spent.infeasible):
        return EndStudy(StudyState.COMPLETED, reached)
    cause = f"; most frequent cause: {spent.common_failure}" if spent.common_failure else ""
    counts = f"{spent.failed} failed, {spent.infeasible} infeasible"
    return EndStudy(StudyState.FAILED, f"{reached}, but {FOUND_NOTHING}: {counts}{cause}")


def _failure_message(spent: Spent, limits: Limits) -> str | None:
    """At least 3 failures before a verdict, and at least 5 ended trials before a fraction means something."""
    ended, failed = spent.recent_ended, spent.recent_failed
    cause = f"; most frequent cause: {spent.common_failure}" if spent.common_failure else ""
    if ended == failed and failed >= 3:
        return f"all of the first {failed} trials failed{cause}"
    fraction = limits.failed_fraction
    if fraction is not None and ended >= 5 and failed > fraction * ended:
        return f"{failed} of {ended} trials failed, more than limits.failed_fraction = {fraction:g}{cause}"
    return None


def reached_limit(spent: Spent, rules: Rules, now: datetime) -> str | None:
    """Why there is no room for another proposal with all its trials; None where there is."""
    limits = rules.limits
    if limits.trials is not None and spent.trials + rules.replicates > limits.trials:
        return f"limits.trials = {limits.trials} is reached"
    if limits.wall_time is not None and spent.ran >= limits.wall_time:
        return f"limits.wall_time = {limits.wall_time} is reached"
    if limits.gpu_hours is not None and spent.gpu_seconds >= 3600 * limits.gpu_hours:
        return f"limits.gpu_hours = {limits.gpu_hours:g} is reached"
    return None


def _starts(snapshot: Snapshot, rules: Rules, now: datetime) -> list[StartAttempt]:
    live = sum(trial.live_attempt is not None for trial in snapshot.trials)
    ready = [
        trial
        for trial in snapshot.trials
        if trial.state is TrialState.QUEUED
        and trial.result is None  # else it is about to be accepted
        and is_due(trial, rules.retries, now)
    ]
    return [StartAttempt(trial) for trial in ready[: max(0, rules.parallelism - live)]]


def _asks(snapshot: Snapshot, rules: Rules, now: datetime) -> list[Ask]:
    """A trial that waits for a retry keeps its slot: a search is reproducible by the order of its evaluations."""
    if snapshot.exhausted or snapshot.waiting or len(snapshot.trials) >= rules.parallelism:
        return []
    if reached_limit(snapshot.spent, rules, now) is not None:
        return []
    return [Ask()] * _room(snapshot, rules)


def _room(snapshot: Snapshot, rules: Rules) -> int:
    """For how many proposals there is room, at least one; the last may have more trials than places are free."""
    places = -(-(rules.parallelism - len(snapshot.trials)) // rules.replicates)
    limit = rules.limits.trials
    return places if limit is None else min(places, (limit - snapshot.spent.trials) // rules.replicates)
