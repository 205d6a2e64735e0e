"""A test run that is terminated, by a time limit for instance, leaves no process behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests import processes
from tests.waiting import PATIENCE_SECONDS, until

PROJECT = Path(__file__).parents[2]
TEST = """
import os, subprocess, sys, time
from pathlib import Path
import pytest

@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"])
    yield process
    process.kill()
    process.wait()

def test_waits(child):
    Path("child").write_text(str(child.pid) + os.linesep)
    time.sleep(1e6)
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_fixtures_have_started_ends(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_waits.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-n", workers, "test_waits.py"]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": ""}
    run = processes.start(command, cwd=tmp_path, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
    noted = tmp_path / "child"
    until(lambda: noted.exists() and noted.read_text().endswith("\n"), lambda: "the test does not run")
    for process in [psutil.Process(run.pid), *psutil.Process(run.pid).children()]:
        if process.pid != int(noted.read_text()):
            process.terminate()  # as `timeout` does to the whole group; the child has a fixture that ends it
    assert run.wait(PATIENCE_SECONDS) != 0
    until(lambda: not psutil.pid_exists(int(noted.read_text())), lambda: "the fixture's child is still there")
