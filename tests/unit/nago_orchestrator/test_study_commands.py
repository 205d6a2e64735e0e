"""What the commands do to a study, without the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nago_orchestrator.domain import StudyState
from nago_orchestrator.errors import NagoError, SpecError
from nago_orchestrator.store.store import open_store
from nago_orchestrator.study_commands import cancel_study, pause_study, resume_study, submit_study, trial_log
from tests.studies import create, small_spec

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "nago.sqlite")


def test_submitting_keeps_what_the_trainer_says_of_the_dataset_and_twice_is_once(url: str) -> None:
    study = submit_study(small_spec(), url, NOW)
    assert (study.recipe.dataset.channels, study.recipe.dataset.classes) == (1, 10)
    assert study.recipe.dataset.split_seed == study.seed == 3
    assert submit_study(small_spec(), url, NOW + timedelta(hours=1)) == study
    with pytest.raises(SpecError, match="another specification"):
        submit_study(small_spec(seed="4"), url, NOW)


def test_a_study_is_paused_resumed_and_cancelled(url: str) -> None:
    create(open_store(url), small_spec())
    assert pause_study("small", url, NOW).state is StudyState.PAUSED
    assert pause_study("small", url, NOW).state is StudyState.PAUSED
    assert resume_study("small", url, NOW).state is StudyState.RUNNING
    assert cancel_study("small", url, NOW).state is StudyState.CANCELLED
    assert cancel_study("small", url, NOW).state is StudyState.CANCELLED
    with pytest.raises(NagoError, match="nothing to resume"):
        resume_study("small", url, NOW)
    with pytest.raises(NagoError, match="only a running one"):
        pause_study("small", url, NOW)


def test_somebody_who_holds_a_cancelled_study_is_left_to_wind_it_up(url: str) -> None:
    store = open_store(url)
    study = create(store, small_spec())
    with store.hold(study.id, "pid 4711 on saturn"):
        assert cancel_study("small", url, NOW).state is StudyState.CANCELLED


def test_a_log_is_there_until_its_file_is_gone(url: str, tmp_path: Path) -> None:
    assert trial_log("small", "small-t00000-a1", url) is None
    log = tmp_path / "nago.sqlite.runs" / "small" / "small-t00000-a1" / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("hello\n")
    assert trial_log("small", "small-t00000-a1", url) == log
