from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from nago_trainer.attempt.fork_server import WarmServer, write_exit
from nago_trainer.contract.exit_codes import ExitCode
from tests.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow  # most start a server, which loads torch

Server = subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    process = _start()
    yield process
    for child in psutil.Process(process.pid).children():
        child.kill()  # one that a failed test has left would be waited for
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def _start() -> Server:
    return subprocess.Popen([sys.executable, "-m", "nago_trainer", "warm"], stdin=subprocess.PIPE, bufsize=0)


def _send(server: Server, folder: Path) -> None:
    assert server.stdin is not None
    server.stdin.write(json.dumps({"folder": str(folder)}).encode() + b"\n")


def _wait_for(path: Path) -> Any:
    until(path.exists, lambda: f"{path} did not appear")
    return json.loads(path.read_text().splitlines()[0])


def _exit_code(folder: Path) -> int:
    ended = _wait_for(folder / "exit.json")
    assert datetime.fromisoformat(ended["ended_at"]).tzinfo is not None
    return int(ended["exit_code"])


def test_an_attempt_runs_to_its_result(server: Server, make_attempt: Callable[..., Path]) -> None:
    folder = make_attempt()
    _send(server, folder)
    assert _exit_code(folder) == ExitCode.DONE
    assert "result" in (folder / "report.jsonl").read_text().splitlines()[-1]
    assert (folder / "log.txt").read_text().startswith("epoch 1: training loss ")


def test_a_log_that_cannot_be_written_costs_neither_the_result_nor_the_server(
    server: Server, make_attempt: Callable[..., Path]
) -> None:
    for name in ("one", "two"):
        folder = make_attempt(name)
        (folder / "log.txt").symlink_to("/dev/full")
        _send(server, folder)
        assert _exit_code(folder) == ExitCode.DONE
        assert "result" in (folder / "report.jsonl").read_text().splitlines()[-1]


def test_a_log_that_cannot_be_made_costs_nothing_either(server: Server, make_attempt: Callable[..., Path]) -> None:
    folder = make_attempt()
    (folder / "log.txt").mkdir()
    _send(server, folder)
    assert _exit_code(folder) == ExitCode.DONE


def test_attempts_run_beside_each_other(server: Server, make_attempt: Callable[..., Path]) -> None:
    endless, short = make_attempt("endless", epochs=100_000), make_attempt("short")
    for folder in (endless, short):
        _send(server, folder)
    assert _exit_code(short) == ExitCode.DONE
    assert not (endless / "exit.json").exists()
    psutil.Process(_wait_for(endless / "claim.json")["pid"]).kill()
    assert _exit_code(endless) == -signal.SIGKILL


def test_a_bad_task_is_told_in_its_log(server: Server, make_attempt: Callable[..., Path]) -> None:
    folder = make_attempt(parameter_limit=1)
    _send(server, folder)
    assert _exit_code(folder) == ExitCode.BAD_TASK
    assert "more than the limit of 1" in (folder / "log.txt").read_text()


def test_a_line_that_makes_no_sense_or_a_missing_folder_stops_nothing(
    server: Server, make_attempt: Callable[..., Path], tmp_path: Path
) -> None:
    assert server.stdin is not None
    server.stdin.write(b'nonsense\n[]\n{"path": 1}\n\n')
    _send(server, tmp_path / "nowhere")
    folder = make_attempt()
    _send(server, folder)
    assert _exit_code(folder) == ExitCode.DONE


def test_ctrl_c_is_left_to_the_owner(server: Server, make_attempt: Callable[..., Path]) -> None:
    server.send_signal(signal.SIGINT)
    folder = make_attempt()
    _send(server, folder)
    assert _exit_code(folder) == ExitCode.DONE


def test_the_server_has_one_thread_and_its_attempts_have_sessions_of_their_own(
    server: Server, make_attempt: Callable[..., Path]
) -> None:
    folder = make_attempt(epochs=100_000)
    _send(server, folder)
    attempt = psutil.Process(_wait_for(folder / "claim.json")["pid"])
    assert psutil.Process(server.pid).num_threads() == 1
    assert int(Path(f"/proc/{attempt.pid}/stat").read_text().rpartition(")")[2].split()[3]) == attempt.pid
    attempt.terminate()
    assert _exit_code(folder) == 128 + signal.SIGTERM


def test_when_its_input_ends_it_waits_for_the_attempts(make_attempt: Callable[..., Path]) -> None:
    folders = [make_attempt(name, epochs=2) for name in ("first", "second")]
    server = _start()
    for folder in folders:
        _send(server, folder)
    server.communicate(timeout=PATIENCE_SECONDS)
    assert server.returncode == 0
    assert [_exit_code(folder) for folder in folders] == [ExitCode.DONE] * 2


def test_its_input_may_be_a_file(make_attempt: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_attempt()
    (tmp_path / "lines").write_text(json.dumps({"folder": str(folder)}) + "\n")
    with (tmp_path / "lines").open() as lines:
        subprocess.run([sys.executable, "-m", "nago_trainer", "warm"], stdin=lines, check=True)
    assert _exit_code(folder) == ExitCode.DONE


def test_an_exit_for_a_folder_that_was_removed_is_forgotten(tmp_path: Path) -> None:
    assert write_exit(tmp_path / "gone", 0)
    assert write_exit(tmp_path, -9)
    assert _exit_code(tmp_path) == -9
    assert [file.name for file in tmp_path.iterdir()] == ["exit.json"]


def test_an_exit_that_cannot_be_written_now_is_written_later(server: Server, make_attempt: Callable[..., Path]) -> None:
    folder = make_attempt()
    (folder / "exit.json").mkdir()
    _send(server, folder)
    process = psutil.Process(_wait_for(folder / "claim.json")["pid"])
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    (folder / "exit.json").rmdir()
    assert _exit_code(folder) == ExitCode.DONE


def test_a_machine_that_starts_no_process_says_nothing_about_the_trial(
    make_attempt: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", refuse)
    server, folder = WarmServer(), make_attempt()
    server.start(json.dumps({"folder": str(folder)}).encode())
    server.reap()
    assert _exit_code(folder) == ExitCode.NO_PROCESS


def test_an_exit_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "exit.json").mkdir()
    assert not write_exit(tmp_path, 0), "it must be tried again"
    assert [path.name for path in tmp_path.iterdir()] == ["exit.json"]
