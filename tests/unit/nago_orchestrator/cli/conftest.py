"""The commands as a user runs them, in this process: arguments in, exit code and both streams out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.synthetic_study import fill
from nago_orchestrator.cli.app import main
from tests.command_line import Ended, Run

TRIALS = 39


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with one finished study, `synthetic`; for tests that only read."""
    url = str(tmp_path_factory.mktemp("database") / "study.sqlite")
    fill(url, TRIALS)
    return url


@pytest.fixture(scope="session")
def modelled_file() -> str:
    """A search of one hyperparameter whose surrogate is fitted in no time."""
    return """
name: synthetic
space:
  hyperparameters:
    top_nodes: 5
    top_k: 2
    top_p: {low: 0.1, high: 0.9}
    mid_nodes: 3
    mid_p: 0.5
    bottom_nodes: 3
    bottom_k: 2
    bottom_p: 0.5
search: {algorithm: mobo, evaluations: 100, surrogate: gaussian-process}
fidelities: [3, 9, 27]
objectives: [{name: accuracy}, {name: memory}]
trainer:
  dataset: {name: digits}
  parameter_limit: 50000
"""


@pytest.fixture(scope="session")
def modelled(tmp_path_factory: pytest.TempPathFactory, modelled_file: str) -> str:
    """A database with one study of `modelled_file`, six evaluations at its highest fidelity; only for reading."""
    url = str(tmp_path_factory.mktemp("modelled") / "study.sqlite")
    fill(url, 2 * TRIALS, study_file=modelled_file)
    return url


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path
) -> Run:
    """In an empty folder, with an empty database unless the test names another one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAGO_DATABASE_URL", str(shutil.copy(sqlite_template, tmp_path / "empty.sqlite")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TERMINAL_WIDTH", "200")

    def run_command(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run_command
