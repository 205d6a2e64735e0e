"""Who runs a study from now on, and how one stands that no longer runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.next_step import NextStep, RunBy, next_step, study_end
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.lease_rows import SERVING
from nago_orchestrator.store.store import open_store
from nago_orchestrator.store.versions import open_engine
from tests.simulated_executor import SimulatedExecutor
from tests.studies import SMALL_BOHB, Orchestrator, create, small_spec

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
JOBS = "{where: kubernetes, kubernetes: {image: trainer}}"


def in_cluster() -> StudySpec:
    return parse_study_spec(SMALL_BOHB.replace("{parallelism: 1}", JOBS), "the test's study")


@pytest.mark.parametrize(("follow", "run_by"), [(True, RunBy.THIS_PROCESS), (False, RunBy.NEW_PROCESS)])
def test_a_local_study_is_run_here(url: str, follow: bool, run_by: RunBy) -> None:
    study = create(open_store(url), small_spec())
    assert next_step(study.name, study.state, url, follow=follow) == NextStep(run_by=run_by)


@pytest.mark.parametrize("state", [state for state in StudyState if state is not StudyState.RUNNING])
def test_a_study_that_does_not_run_is_run_by_nobody(url: str, state: StudyState) -> None:
    assert next_step("any", state, url, follow=True) == NextStep(run_by=RunBy.NOBODY)


def test_a_study_for_a_server_is_left_to_it_and_run_here_where_there_is_none(url: str) -> None:
    store = open_store(url)
    study = create(store, in_cluster())
    lonely = next_step(study.name, study.state, url, follow=True)
    assert lonely == NextStep(run_by=RunBy.THIS_PROCESS, lacks_server=True)
    with store.hold(SERVING, "server 1"):
        served = next_step(study.name, study.state, url, follow=True)
    assert served == NextStep(run_by=RunBy.SERVER, server="server 1")


def test_the_end_has_the_best_or_why_there_is_none(url: str) -> None:
    store = open_store(url)
    study = create(store, small_spec(search="{algorithm: random, proposals: 2}"))
    engine = open_engine(url)
    before = study_end(engine, study.name)
    assert (before.best, before.nothing, before.can_resume) == (None, None, True)
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
    after = study_end(engine, study.name)
    assert after.best is not None
    assert (after.nothing, after.can_resume) == (None, False)
    engine.dispose()
