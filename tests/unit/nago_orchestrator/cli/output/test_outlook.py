"""What is said of a study that found nothing or that nobody runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nago_orchestrator.cli.output.outlook import resume_hint
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.missing_best import without_value
from nago_orchestrator.store.store import open_store
from nago_orchestrator.store.versions import open_engine
from tests.command_line import Run
from tests.rows import study_status
from tests.simulated_executor import SimulatedExecutor
from tests.studies import RECIPE, Orchestrator, create, small_spec


def test_a_resume_is_offered_where_it_helps() -> None:
    assert resume_hint(study_status(state=StudyState.PAUSED)) == "continue with: nago-orch resume s"
    assert resume_hint(study_status(state=StudyState.COMPLETED)) is None


@pytest.mark.slow
def test_a_study_without_a_feasible_network_says_why(run: Run, tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.sqlite"))
    study = create(store, small_spec(search="{algorithm: random, proposals: 5}"), replace(RECIPE, parameter_limit=10))
    assert run("best").err == "the study small has no evaluation yet\n"
    assert "nothing has been evaluated yet" in run("status").out
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.FAILED
    store.close()
    words = "5 evaluations, all infeasible: the architecture has "
    for command in ("best", "pareto"):
        ended = run(command)
        assert (ended.code, ended.out) == (0, "")
        assert ended.err.startswith(f"the study small has {words}")
    assert f"no generator found: {words}" in run("status").out
    assert json.loads(run("pareto", "-o", "json").out)["points"] == []
    assert words in run("sample", "--study", "small", "--best").err
    resumed = run("resume")
    assert resumed.code == 3
    assert "resuming would fail again" in resumed.err
    assert "nago-orch resume" not in resumed.err


def test_a_value_that_came_in_between_is_no_reason(tmp_path: Path) -> None:
    """Between the question for the best and this one a study goes on."""
    url = str(tmp_path / "going.sqlite")
    store = open_store(url)
    study = create(store, small_spec(search="{algorithm: random, proposals: 2}"))
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
    store.close()
    engine = open_engine(url)
    assert without_value(engine, "small") == "no evaluation yet"
    engine.dispose()
