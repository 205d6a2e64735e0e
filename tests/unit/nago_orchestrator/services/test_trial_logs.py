"""What is waited for before a log is shown, and whether there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.services.trial_logs import await_end, await_first_attempt, log_source, shown_attempt
from nago_orchestrator.store.store import Store, open_store
from nago_orchestrator.store.versions import open_engine
from tests.store_scene import Scene
from tests.studies import create, small_spec
from tests.trainer_scene import small_trial

Pauses = list[Callable[[], object]]


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def scene(store: Store) -> Scene:
    """One queued trial."""
    scene = Scene(store, create(store, small_spec(execution="{where: kubernetes, kubernetes: {image: trainer}}")))
    scene.propose(small_trial(), fidelity=1)
    return scene


@pytest.fixture
def engine(url: str, scene: Scene) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """What happens during each of the next pauses; none is slept."""
    planned: Pauses = []
    monkeypatch.setattr(
        "nago_orchestrator.services.trial_logs.time.sleep", lambda seconds: planned.pop(0)() if planned else None
    )
    return planned


def test_the_first_attempt_is_waited_for(scene: Scene, engine: Engine, pauses: Pauses) -> None:
    said: list[str] = []
    pauses += [lambda: None, lambda: scene.attempt(0)]
    await_first_attempt(engine, "small", 0, said.append)
    assert said == ["the trial small/0 waits for its first attempt"] * 2


def test_a_trial_that_is_over_gets_no_attempt(scene: Scene, engine: Engine, store: Store, pauses: Pauses) -> None:
    pauses.append(lambda: store.cancel_trials(scene.study.id, scene.study.created_at))
    await_first_attempt(engine, "small", 0, lambda _: None)
    assert pauses == []


def test_the_end_is_seen_once_it_is_stored_and_not_waited_for_without_end(
    scene: Scene, engine: Engine, pauses: Pauses
) -> None:
    attempt = scene.attempt(0)

    def ended() -> AttemptState:
        return await_end(lambda: shown_attempt(engine, "small", 0, None)).state

    assert ended() is AttemptState.RUNNING
    pauses.append(lambda: scene.fail(attempt, Failure.DEFECT, TrialState.FAILED))
    assert ended() is AttemptState.FAILED


def test_the_log_of_a_pod_that_has_ended_is_gone(scene: Scene, engine: Engine, url: str) -> None:
    attempt = scene.attempt(0)
    scene.fail(attempt, Failure.DEFECT, TrialState.FAILED)
    row = replace(shown_attempt(engine, "small", 0, None), executor="kubernetes")
    assert log_source("small", row, url) is None
