"""Local attempts with the real trainer and its fork server; what every executor does is in tests/contracts."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.errors import ExecutorError, NagoError
from nago_orchestrator.executors.local.attempt_folder import read_claim
from nago_orchestrator.executors.local.executor import LocalExecutor
from nago_orchestrator.executors.local.nobody import NOBODY
from nago_trainer.attempt.claim import claim as take
from nago_trainer.errors import ClaimedError
from tests.studies import small_task
from tests.waiting import PATIENCE_SECONDS, until

LONG = 100_000
"""Epochs of a training that only a signal ends."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def executor(root: Path) -> Iterator[LocalExecutor]:
    """One for all tests, for its fork server takes seconds to load; so every test's attempt has a name of its own."""
    made = LocalExecutor(root, exit_status_seconds=PATIENCE_SECONDS)
    yield made
    for claim in root.glob("*/claim.json"):
        made.stop(claim.parent.name, grace_seconds=0)
    made.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", request.node.name)


def test_attempts_are_spread_over_the_devices_also_by_an_orchestrator_that_finds_them(tmp_path: Path) -> None:
    def device_of(name: str) -> str:
        return str(json.loads((tmp_path / name / "task.json").read_text())["device"])

    first = LocalExecutor(tmp_path, command=("cat",), devices=("cpu", "cuda:7"))
    first.start("a", small_task())
    first.start("b", small_task())
    first.close()
    second = LocalExecutor(tmp_path, command=("cat",), devices=("cpu", "cuda:7"))
    second.observe(["b"])
    second.start("c", small_task())
    second.observe(["c"])
    second.start("d", small_task())
    second.close()
    assert [device_of(name) for name in "abcd"] == ["cpu", "cuda:7", "cpu", "cuda:7"]


def wait_for(executor: LocalExecutor, name: str, wanted: Callable[[Observation], bool]) -> Observation:
    seen = executor.observe([name])[name]

    def is_seen() -> bool:
        nonlocal seen
        seen = executor.observe([name])[name]
        return wanted(seen)

    until(is_seen, lambda: f"still {seen}")
    return seen


def ended(seen: Observation) -> bool:
    return seen.phase is Phase.ENDED


def training(seen: Observation) -> bool:
    return bool(seen.epochs)


def test_a_folder_that_another_orchestrator_finds_unusable_is_that_attempt_s_trouble_alone(tmp_path: Path) -> None:
    (tmp_path / "lost").write_text("not a folder")
    executor = LocalExecutor(tmp_path)
    seen = executor.observe(["lost", "absent"])
    assert (seen["lost"].failure, seen["lost"].reason) == (Failure.INFRASTRUCTURE, "Unwritable")
    assert "cannot use the folder of the attempt: Not a directory" in str(seen["lost"].message)
    assert seen["absent"].phase is Phase.ABSENT
    assert [path.name for path in tmp_path.iterdir()] == ["lost"]


@pytest.mark.slow
def test_an_attempt_runs_to_its_result(executor: LocalExecutor, name: str) -> None:
    executor.start(name, small_task(epochs=2))
    assert executor.observe([name])[name].phase in (Phase.PENDING, Phase.RUNNING)
    seen = wait_for(executor, name, lambda seen: ended(seen) and seen.exit_code is not None)
    assert seen.result is not None
    assert (seen.exit_code, seen.failure, len(seen.epochs)) == (0, None, 2)


def test_there_is_news_when_an_attempt_begins_reports_or_ends_and_else_none(tmp_path: Path, name: str) -> None:
    looking = LocalExecutor(tmp_path)
    folder = tmp_path / name
    looking.observe([name])
    assert not looking.has_news()
    folder.mkdir()
    for file in ("claim.json", "report.jsonl", "exit.json"):
        (folder / file).touch()
        assert looking.has_news()
        looking.observe([])
        assert not looking.has_news(), "nobody asks for it any more"
        looking.observe([name])
        assert not looking.has_news()
    with (folder / "report.jsonl").open("a") as report:
        report.write("\n")
    assert looking.has_news()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "failure"), [(signal.SIGKILL, Failure.INFRASTRUCTURE), (signal.SIGSEGV, Failure.DEFECT)]
)
def test_a_trainer_that_is_killed_is_told_from_one_that_crashed(
    executor: LocalExecutor, root: Path, name: str, number: signal.Signals, failure: Failure
) -> None:
    executor.start(name, small_task(epochs=LONG))
    wait_for(executor, name, training)
    claim = read_claim(root / name)
    assert claim is not None
    os.kill(claim.pid, number)
    seen = wait_for(executor, name, ended)
    assert (seen.failure, seen.exit_code, seen.result) == (failure, -number, None)
    assert len(seen.epochs) >= 1


@pytest.mark.slow
def test_a_trainer_whose_server_died_as_well_is_lost(executor: LocalExecutor, root: Path, name: str) -> None:
    executor.start(name, small_task(epochs=LONG))
    wait_for(executor, name, training)
    claim = read_claim(root / name)
    assert claim is not None
    server = executor._server
    assert server is not None
    server.kill()
    server.wait()
    assert wait_for(executor, name, training).phase is Phase.RUNNING, "trainers outlive their server"
    os.kill(claim.pid, signal.SIGKILL)
    seen = wait_for(executor, name, ended)
    assert (seen.failure, seen.reason) == (Failure.INFRASTRUCTURE, "Lost")
    executor.start(f"{name}-after", small_task())
    assert wait_for(executor, f"{name}-after", ended).result is not None, "a new server takes over"


@pytest.mark.slow
def test_a_wrong_task_is_a_defect_with_the_trainers_own_sentence(executor: LocalExecutor, name: str) -> None:
    executor.start(name, replace(small_task(), parameters=7))
    seen = wait_for(executor, name, ended)
    assert (seen.failure, seen.exit_code) == (Failure.DEFECT, 64)
    assert "7" in (seen.message or "")


@pytest.mark.slow
def test_a_folder_left_by_another_database_is_not_mistaken_for_ours(executor: LocalExecutor, name: str) -> None:
    executor.start(name, small_task(token="theirs"))
    assert wait_for(executor, name, lambda seen: seen.exit_code is not None).result is not None
    executor.start(name, small_task(token="ours", epochs=2))
    seen = wait_for(executor, name, ended)
    assert len(seen.epochs) == 2


def start_until_refused(executor: LocalExecutor, name: str) -> None:
    """The first lines may still find the dying process's pipe open."""
    until(lambda: executor.start(name, small_task()), lambda: "it was never refused")


def test_a_trainer_that_cannot_be_started_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    executor = LocalExecutor(tmp_path, command=("false",))
    with pytest.raises(NagoError, match=r"warm\.log"):
        start_until_refused(executor, name)
    executor.close()


def test_a_server_that_ends_after_its_executor_leaves_nothing_behind(tmp_path: Path) -> None:
    """`serve` closes an executor for every study, and itself lives on."""
    busy = "import sys, time; sys.stdin.read(); time.sleep(1.2)"
    executor = LocalExecutor(tmp_path, command=(sys.executable, "-c", busy))
    executor.start("one", small_task())
    server = executor._server
    assert server is not None
    executor.close()
    until(lambda: not psutil.pid_exists(server.pid), "it is still in the table of processes".__str__)


def test_an_attempt_that_is_stopped_before_its_process_exists_never_begins(tmp_path: Path) -> None:
    deaf = LocalExecutor(tmp_path, command=(sys.executable, "-c", "import sys; sys.stdin.read()"))
    deaf.start("early", small_task(epochs=LONG))
    assert deaf.observe(["early"])["early"].phase is Phase.PENDING
    deaf.stop("early", grace_seconds=0)
    with pytest.raises(ClaimedError):
        take(tmp_path / "early")
    assert deaf.observe(["early"])["early"].phase is Phase.ENDED
    deaf.close()


def test_a_folder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    executor = LocalExecutor(tmp_path / "runs")
    for use in (executor.warm_up, lambda: executor.start(name, small_task())):
        with pytest.raises(ExecutorError, match=r"cannot use the folder of the attempts: .*runs\)"):
            use()


def test_a_folder_of_one_attempt_that_cannot_be_used_is_that_attempt_s_trouble(tmp_path: Path) -> None:
    executor = LocalExecutor(tmp_path, command=("cat",))
    (tmp_path / "bad").write_text("a file where a folder should be")
    executor.start_all({"bad": small_task(), "good": small_task()})
    seen = executor.observe(["bad", "good"])
    assert (seen["bad"].phase, seen["good"].phase) == (Phase.ENDED, Phase.PENDING)
    assert (seen["bad"].failure, seen["bad"].reason) == (Failure.INFRASTRUCTURE, "Unwritable")
    assert f"({tmp_path / 'bad'})" in (seen["bad"].message or "")
    assert sorted(os.listdir(tmp_path)) == ["bad", "good", "warm.log"]
    executor.close()


def test_the_last_words_of_a_trainer_that_does_not_start_are_told(tmp_path: Path, name: str) -> None:
    executor = LocalExecutor(tmp_path, command=(sys.executable, "-c", "import sys; sys.exit('torch is missing')"))
    with pytest.raises(NagoError, match="does not start: torch is missing"):
        start_until_refused(executor, name)
    executor.close()


def test_an_attempt_of_which_the_server_tells_nothing_is_not_waited_for_forever(tmp_path: Path, name: str) -> None:
    """As when the disk is full: the process is gone, and how it ended cannot be written."""
    executor = LocalExecutor(tmp_path, command=("cat",), exit_status_seconds=0.05)
    executor.start(name, small_task())
    (tmp_path / name / "claim.json").write_text(json.dumps({"pid": NOBODY, "start_ticks": None}))
    assert executor.observe([name])[name].phase is Phase.RUNNING
    seen = wait_for(executor, name, ended)
    assert (seen.failure, seen.reason) == (Failure.INFRASTRUCTURE, "Lost")
    executor.close()
