"""What the loop keeps in memory is what stands in the rows, however it came to be there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from nago_orchestrator.control_loop.actions import AcceptResult, EndAttempt, MarkRunning, StartAttempt, Tell
from nago_orchestrator.control_loop.state_cache import LONGEST_AGE, StateCache
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.store import schema
from tests.store_scene import ENDED, NEW_TRIAL, NOW, RESULT, Scene


@pytest.fixture
def cache(scene: Scene) -> StateCache:
    found = StateCache(scene.store, scene.study.id)
    found.refresh(NOW)
    return found


def known(cache: StateCache) -> tuple[object, ...]:
    return cache.study_state, cache.trials, cache.ready, cache.spent(gpu_limit=True)


def assert_true(cache: StateCache, scene: Scene) -> None:
    """As read anew."""
    cache.refresh(NOW)
    anew = StateCache(scene.store, scene.study.id)
    anew.refresh(NOW)
    assert known(cache) == known(anew)


def test_every_action_that_is_noted_is_seen_by_the_next_refresh(scene: Scene, cache: StateCache) -> None:
    scene.propose()
    scene.propose(number=1)
    assert_true(cache, scene)
    (first, second) = cache.trials
    cache.note(StartAttempt(first))
    attempt = scene.attempt(first.number, running=False)
    assert_true(cache, scene)
    cache.note(MarkRunning(cache.trials[0], attempt, Observation(phase=Phase.RUNNING)))
    scene.store.mark_running(attempt.id, node="n", uid="u", now=NOW)
    assert_true(cache, scene)
    cache.note(AcceptResult(cache.trials[0], attempt, ENDED, RESULT))
    scene.store.accept_result(attempt.id, RESULT, observation=ENDED, now=NOW)
    assert_true(cache, scene)
    assert cache.ready == (0,)
    assert cache.trials == (second,)
    cache.note(Tell(0))
    scene.evaluate(0, 0.9, 1.0)
    assert_true(cache, scene)
    assert not cache.ready
    assert cache.spent(gpu_limit=False).succeeded == 1


def test_ends_are_added_to_what_is_known_as_if_all_were_counted(scene: Scene, cache: StateCache) -> None:
    for number in range(4):
        scene.propose(number=number)
    assert_true(cache, scene)
    ends = [
        (Failure.DEFECT, TrialState.FAILED, "Odd", "one"),
        (Failure.INFRASTRUCTURE, TrialState.QUEUED, "Even", "two"),
        (Failure.INTERRUPTED, TrialState.QUEUED, "Stopped", "three"),
        (Failure.DEFECT, TrialState.FAILED, "Odd", "other"),
    ]
    for trial, (failure, state, reason, message) in zip(cache.trials, ends, strict=True):
        attempt = scene.attempt(trial.number, gpus=2)
        cache.note(EndAttempt(trial, attempt, AttemptState.FAILED, failure, None, state))
        later = NOW + timedelta(seconds=5)
        scene.fail(attempt, failure, state, now=later, reason=reason, message=message)
        assert_true(cache, scene)
    spent = cache.spent(gpu_limit=True)
    assert (spent.recent_ended, spent.recent_failed, spent.gpu_seconds) == (2, 2, 40.0)
    assert spent.common_failure == "Odd: other"
    late = next(trial for trial in cache.trials if trial.number == 1)
    cache.note(AcceptResult(late, late.attempts[-1], ENDED, RESULT))
    scene.store.accept_result(late.attempts[-1].id, RESULT, observation=ENDED, now=NOW)
    assert_true(cache, scene)


def test_what_others_do_is_news_and_is_seen(scene: Scene, cache: StateCache) -> None:
    assert cache.is_current()
    scene.propose()
    assert not cache.is_current()
    assert_true(cache, scene)
    assert cache.is_current()
    scene.store.move_study(scene.study.id, StudyState.PAUSED, message=None, now=NOW)
    assert not cache.is_current()
    assert_true(cache, scene)
    assert cache.study_state is StudyState.PAUSED


def test_a_result_that_a_trainer_stores_is_news_until_it_is_accepted(
    scene: Scene, cache: StateCache, engine: Engine
) -> None:
    scene.propose()
    cache.refresh(NOW)
    cache.note(StartAttempt(cache.trials[0]))
    attempt = scene.attempt(0)
    cache.refresh(NOW)
    values = {name: getattr(RESULT, name) for name in RESULT.__dataclass_fields__}
    with engine.begin() as connection:
        row = {**values, "trial_id": cache.trials[0].id, "attempt_id": attempt.id, "recorded_at": NOW}
        connection.execute(schema.result.insert().values(row))
    assert not cache.is_current()
    assert_true(cache, scene)
    assert cache.trials[0].result == RESULT
    assert cache.is_current()


def test_while_nothing_happens_little_is_asked(scene: Scene, cache: StateCache, engine: Engine) -> None:
    scene.propose()
    cache.refresh(NOW)
    cache.spent(gpu_limit=True)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]) if "SELECT" in seen[2] else None)
    for second in range(1, 10):
        cache.refresh(NOW + timedelta(seconds=second))
        cache.spent(gpu_limit=True)
    assert len(asked) == 9
    cache.refresh(NOW + LONGEST_AGE)
    assert len(asked) > 10, "now and then everything is read again"


def test_a_trial_that_is_infeasible_from_the_start_makes_its_proposal_ready(scene: Scene, cache: StateCache) -> None:
    scene.propose(replace(NEW_TRIAL, infeasible="too large"))
    assert_true(cache, scene)
    assert cache.ready == (0,)
    assert cache.spent(gpu_limit=False).infeasible == 1
    assert TrialState.INFEASIBLE not in {trial.state for trial in cache.trials}
