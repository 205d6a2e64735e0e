from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nago_trainer.attempt.execution import DISK_TROUBLE
from nago_trainer.attempt.folder_attempt import run_attempt
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import DatasetSettings, TrialTask
from nago_trainer.data.catalogue import load_images
from nago_trainer.data.images import ImageSet
from nago_trainer.errors import InfeasibleError
from tests import processes
from tests.disk import disk_with_room_for
from tests.waiting import PATIENCE_SECONDS, until


@pytest.fixture(autouse=True)
def _sigterm_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _must_not_read(settings: DatasetSettings) -> ImageSet:
    raise AssertionError(f"{settings.name} was read")


def _report(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "report.jsonl").read_text().splitlines()]


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "nago_trainer", "run", str(folder)]


def _as_a_program(folder: Path, _: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    done = subprocess.run(_command(folder), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def _in_this_process(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    return run_attempt(folder, load_images), *capsys.readouterr()


@pytest.mark.parametrize("run", [_in_this_process, pytest.param(_as_a_program, marks=pytest.mark.slow)])
def test_an_attempt_from_task_to_result(
    make_attempt: Callable[..., Path],
    task: TrialTask,
    capsys: pytest.CaptureFixture[str],
    run: Callable[[Path, pytest.CaptureFixture[str]], tuple[int, str, str]],
) -> None:
    folder = make_attempt(epochs=2)
    code, out, err = run(folder, capsys)
    assert (code, out) == (ExitCode.DONE, "")
    *epochs, last = _report(folder)
    assert err.splitlines() == [EpochRecord.from_json(line["epoch"]).in_words() for line in epochs]
    assert [line["epoch"]["epoch"] for line in epochs] == [1, 2]
    assert {line["token"] for line in (*epochs, last)} == {task.token}
    assert TrialResult.from_json(last["result"]).network == str(folder / "network.pt")
    assert sorted(file.name for file in folder.iterdir()) == ["claim.json", "network.pt", "report.jsonl", "task.json"]


def test_an_attempt_that_somebody_has_claimed_is_left_alone(
    make_attempt: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_attempt()
    (folder / "claim.json").write_text("{}")
    assert run_attempt(folder, _must_not_read) == ExitCode.BUSY
    assert not (folder / "report.jsonl").exists()
    assert "another process has claimed the attempt already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task_text", "message"),
    [
        (None, "cannot read the task"),
        ("", "is not JSON"),
        ("[]", "invalid task: the task has contract version list"),
        ('{"version": 99}', "invalid task: the task has contract version 99"),
        ('{"version": 1}', "invalid task: DatasetSettings must be an object"),
    ],
)
def test_a_task_that_cannot_be_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], task_text: str | None, message: str
) -> None:
    if task_text is not None:
        (tmp_path / "task.json").write_text(task_text)
    assert run_attempt(tmp_path, _must_not_read) == ExitCode.BAD_TASK
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_attempt(tmp_path / "nowhere", _must_not_read) == ExitCode.BAD_TASK
    assert "there is no such folder" in capsys.readouterr().err


def test_a_folder_that_takes_no_claim_says_nothing_about_the_trial(
    make_attempt: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_attempt()
    with disk_with_room_for(10):
        assert run_attempt(folder, _must_not_read) == ExitCode.UNWRITABLE
    assert capsys.readouterr().err == f"error: cannot use the folder: {os.strerror(errno.EFBIG)} ({folder})\n"
    assert os.listdir(folder) == ["task.json"]


def test_a_bad_task_is_reported_too(make_attempt: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_attempt(parameter_limit=1)
    assert run_attempt(folder, _must_not_read) == ExitCode.BAD_TASK
    failure = _report(folder)[0]["failure"]
    assert (failure["kind"], failure["reason"]) == ("defect", "BadTask")
    assert capsys.readouterr().err == f"error: {failure['message']}\n"


def test_an_infeasible_trial(make_attempt: Callable[..., Path]) -> None:
    def too_large(settings: DatasetSettings) -> ImageSet:
        raise InfeasibleError(f"{settings.name} does not fit")

    folder = make_attempt()
    assert run_attempt(folder, too_large) == ExitCode.INFEASIBLE
    assert _report(folder)[0]["failure"] == {
        "kind": "infeasible",
        "reason": "OutOfMemory",
        "message": "digits does not fit",
    }


@pytest.mark.parametrize("number", sorted(DISK_TROUBLE))
def test_a_disk_in_trouble_says_nothing_about_the_trial(
    make_attempt: Callable[..., Path], capsys: pytest.CaptureFixture[str], number: int
) -> None:
    def full(settings: DatasetSettings) -> ImageSet:
        raise OSError(number, os.strerror(number), "/checkpoints/network.pt")

    folder = make_attempt()
    assert run_attempt(folder, full) == ExitCode.UNWRITABLE
    told = capsys.readouterr().err
    assert f"error: cannot write a file of the attempt: {os.strerror(number)} (/checkpoints/network.pt): " in told
    assert "Traceback" not in told


def test_a_bug_leaves_its_traceback_and_one_sentence(
    make_attempt: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(settings: DatasetSettings) -> ImageSet:
        raise KeyError(settings.name, "two\nlines")

    folder = make_attempt()
    assert run_attempt(folder, broken) == ExitCode.DEFECT
    failure = _report(folder)[0]["failure"]
    assert (failure["kind"], failure["reason"]) == ("defect", "KeyError")
    assert "\n" not in failure["message"]
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.slow
def test_a_termination_leaves_whole_lines_only(make_attempt: Callable[..., Path]) -> None:
    folder = make_attempt(epochs=10_000)
    process = processes.start(_command(folder))
    until(lambda: (folder / "report.jsonl").exists())
    process.terminate()
    assert process.wait(timeout=PATIENCE_SECONDS) == 128 + signal.SIGTERM
    text = (folder / "report.jsonl").read_text()
    assert text.endswith("\n")
    assert all("epoch" in line for line in _report(folder))


@pytest.mark.slow
def test_a_terminated_attempt_leaves_a_checkpoint_where_the_next_one_finds_it(
    make_attempt: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "checkpoints"
    monkeypatch.setenv("NAGO_CHECKPOINTS", str(place))
    first, second = make_attempt("first", epochs=60), make_attempt("second", epochs=60, attempt=2, token="second")
    process = processes.start(_command(first))
    until(lambda: (first / "report.jsonl").exists())
    process.terminate()
    assert process.wait(timeout=PATIENCE_SECONDS) == ExitCode.PREEMPTED
    assert all("epoch" in line for line in _report(first))
    done = len(_report(first))
    assert [file.name for file in (place / "study" / "t00007").iterdir()] == ["checkpoint"]
    subprocess.run(_command(second), check=True)
    *epochs, last = _report(second)
    assert [line["epoch"]["epoch"] for line in epochs] == list(range(1, 61))
    assert [line["epoch"] for line in epochs[:done]] == [line["epoch"] for line in _report(first)]
    assert last["result"]["epochs"] == 60
    assert not (place / "study" / "t00007").exists()
