"""What the loop keeps in memory is what stands in the rows, however it came to be there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from nago_orchestrator.control_loop.actions import AcceptResult, MarkRunning, StartAttempt, Tell
from nago_orchestrator.control_loop.state_cache import LONGEST_MEMORY, Facts
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.store import schema
from tests.store_scene import ENDED, NEW_TRIAL, NOW, RESULT, Scene


@pytest.fixture
def facts(scene: Scene) -> Facts:
    found = Facts(scene.store, scene.study.id)
    found.look(NOW)
    return found


def known(facts: Facts) -> tuple[object, ...]:
    return facts.state, facts.trials, facts.tellable, facts.spent(gpu_limit=True)


def assert_true(facts: Facts, scene: Scene) -> None:
    """As read anew."""
    facts.look(NOW)
    anew = Facts(scene.store, scene.study.id)
    anew.look(NOW)
    assert known(facts) == known(anew)


def test_every_action_that_is_noted_is_seen_by_the_next_look(scene: Scene, facts: Facts) -> None:
    scene.propose()
    scene.propose(number=1)
    assert_true(facts, scene)
    (first, second) = facts.trials
    facts.note(StartAttempt(first))
    attempt = scene.attempt(first.number, running=False)
    assert_true(facts, scene)
    facts.note(MarkRunning(facts.trials[0], attempt, Observation(phase=Phase.RUNNING)))
    scene.store.mark_running(attempt.id, node="n", uid="u", now=NOW)
    assert_true(facts, scene)
    facts.note(AcceptResult(facts.trials[0], attempt, ENDED, RESULT))
    scene.store.accept_result(attempt.id, RESULT, observation=ENDED, now=NOW)
    assert_true(facts, scene)
    assert facts.tellable == (0,)
    assert facts.trials == (second,)
    facts.note(Tell(0))
    scene.evaluate(0, 0.9, 1.0)
    assert_true(facts, scene)
    assert not facts.tellable
    assert facts.spent(gpu_limit=False).succeeded == 1


def test_what_others_do_is_news_and_is_seen(scene: Scene, facts: Facts) -> None:
    assert facts.is_current()
    scene.propose()
    assert not facts.is_current()
    assert_true(facts, scene)
    assert facts.is_current()
    scene.store.move_study(scene.study.id, StudyState.PAUSED, message=None, now=NOW)
    assert not facts.is_current()
    assert_true(facts, scene)
    assert facts.state is StudyState.PAUSED


def test_a_result_that_a_trainer_stores_is_news_until_it_is_accepted(
    scene: Scene, facts: Facts, engine: Engine
) -> None:
    scene.propose()
    facts.look(NOW)
    facts.note(StartAttempt(facts.trials[0]))
    attempt = scene.attempt(0)
    facts.look(NOW)
    values = {name: getattr(RESULT, name) for name in RESULT.__dataclass_fields__}
    with engine.begin() as connection:
        row = {**values, "trial_id": facts.trials[0].id, "attempt_id": attempt.id, "recorded_at": NOW}
        connection.execute(schema.result.insert().values(row))
    assert not facts.is_current()
    assert_true(facts, scene)
    assert facts.trials[0].result == RESULT
    assert facts.is_current()


def test_while_nothing_happens_little_is_asked(scene: Scene, facts: Facts, engine: Engine) -> None:
    scene.propose()
    facts.look(NOW)
    facts.spent(gpu_limit=True)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]) if "SELECT" in seen[2] else None)
    for second in range(1, 10):
        facts.look(NOW + timedelta(seconds=second))
        facts.spent(gpu_limit=True)
    assert len(asked) == 9
    facts.look(NOW + LONGEST_MEMORY)
    assert len(asked) > 10, "now and then everything is read again"


def test_a_trial_that_is_infeasible_from_the_start_makes_its_proposal_tellable(scene: Scene, facts: Facts) -> None:
    scene.propose(replace(NEW_TRIAL, infeasible="too large"))
    assert_true(facts, scene)
    assert facts.tellable == (0,)
    assert facts.spent(gpu_limit=False).infeasible == 1
    assert TrialState.INFEASIBLE not in {trial.state for trial in facts.trials}
