"""What the study file says arrives where it is meant. Whole runs: tests/integration/test_loop.py."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nago_orchestrator.bootstrap import open_session, run_study, runs_folder, runs_folder_of_server
from nago_orchestrator.control_loop.planner import Limits, Rules
from nago_orchestrator.control_loop.retries import RetryPolicy
from nago_orchestrator.control_loop.session import StopSignal
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract.back_off import BackOff
from tests.simulated_executor import SimulatedExecutor
from tests.studies import create, small_spec

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def rules(spec: StudySpec, url: str) -> Rules:
    store = open_store(url)
    return open_session(store, create(store, spec), SimulatedExecutor(), lambda event: None, StopSignal()).rules


def folder_of(address: str) -> Path:
    return runs_folder_of_server(Store(connect(address)).address, None)


def test_runs_lie_beside_an_sqlite_file(url: str, tmp_path: Path) -> None:
    assert runs_folder(open_store(url)) == tmp_path / "nago.sqlite.runs"


def test_runs_of_a_server_lie_in_the_data_folder_one_for_each_database_whatever_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = folder_of("postgresql://ada:secret@results/nago")
    assert tmp_path in folder.parents
    assert "secret" not in str(folder)
    assert folder_of("postgresql://ada:changed@results/nago") == folder
    assert folder_of("postgresql://ada:secret@results/other") != folder


def test_limits_and_retries_arrive_in_the_planners_units(url: str) -> None:
    spec = small_spec(
        limits="{trials: 40, wall_time: 1h30m, gpu_hours: 2.5, failed_fraction: 0.25}",
        retries="{infrastructure: 4, defect: 2, pause: 1m}",
        execution="{parallelism: 3}",
        architectures_per_proposal="2",
    )
    assert rules(spec, url) == Rules(
        parallelism=3,
        replicates=2,
        limits=Limits(trials=40, wall_time=timedelta(minutes=90), gpu_hours=2.5, failed_fraction=0.25),
        retries=RetryPolicy(infrastructure=4, defect=2, back_off=BackOff(first=60.0, longest=600.0)),
    )


def test_without_limits_only_failures_stop_a_study(url: str) -> None:
    unlimited = Limits(trials=None, wall_time=None, gpu_hours=None, failed_fraction=0.5)
    assert rules(small_spec(), url).limits == unlimited


def test_a_study_that_was_run_leaves_no_connection_open(url: str) -> None:
    store = open_store(url)
    study = create(store, small_spec())
    store.move_study(study.id, StudyState.CANCELLED, message="by hand", now=NOW)
    store.close()
    assert run_study("small", url, on_event=lambda event: None) is StudyState.CANCELLED
    opened = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert Path(url) not in opened
