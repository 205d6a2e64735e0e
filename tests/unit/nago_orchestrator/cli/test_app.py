from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nago_orchestrator.cli import app as program
from nago_orchestrator.cli.commands import list as listing
from nago_orchestrator.errors import HeldError, NotFoundError, SpecError
from tests.command_line import Ended, Run

HEAVY = {"sqlalchemy", "numpy", "networkx", "plotly", "alembic", "torch", "yaml", "platformdirs", "hpbandster"}


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    for command in ("submit", "resume", "pause", "cancel", "list", "status", "trials", "show", "best", "pareto"):
        assert re.search(rf"^\W*{command}\b", shown.out, re.MULTILINE), command
    assert "130 interrupted" in re.sub(r"\s+", " ", shown.out)


def test_starting_the_program_loads_nothing_heavy() -> None:
    code = "import sys, nago_orchestrator.cli.app; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize("arguments", [["nonsense"], ["trials", "--limit", "0"], ["trials", "--state", "x"], ["show"]])
def test_wrong_usage_is_wrong_input(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["list", "-o", "jsn"], "--output names an unknown format 'jsn': did you mean json?"),
        (["list", "--output", "xml"], "--output names an unknown format 'xml': choose one of table, json, csv"),
        (["trials", "--state", "runing"], "--state names an unknown state 'runing': did you mean running?"),
        (["serve", "--where", "kubernets"], "--where names an unknown place 'kubernets': did you mean kubernetes?"),
    ],
)
def test_a_mistyped_word_is_told_with_the_one_that_is_meant(run: Run, arguments: list[str], sentence: str) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out, ended.err) == (2, "", f"error: {sentence}\n")


@pytest.mark.slow
def test_words_are_completed() -> None:
    environment = {
        **os.environ,
        "_NAGO_ORCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "nago-orch list -o j",
        "COMP_CWORD": "3",
    }
    code = "from nago_orchestrator.cli.app import main; main()"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["json"]


@pytest.mark.parametrize(
    ("error", "code"), [(SpecError("a is wrong"), 2), (HeldError("held by b"), 2), (NotFoundError("no c"), 4)]
)
def test_an_error_is_one_sentence_and_its_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    ended = _failing_with(error, run, monkeypatch)
    assert (ended.code, ended.err, ended.out) == (code, f"error: {error}\n", "")


def test_a_bug_leaves_its_traceback_in_a_file_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = _failing_with(ZeroDivisionError("division by zero"), run, monkeypatch)
    assert ended.code == program.UNEXPECTED
    assert "Traceback" not in ended.err
    assert ended.err.startswith("error: bug in nago-orch: ZeroDivisionError: division by zero")
    file = Path(ended.err.rpartition("the traceback is in ")[2].strip())
    assert "Traceback" in file.read_text()


def test_a_bug_is_told_even_where_no_file_can_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    ended = _failing_with(ZeroDivisionError("division by zero"), run, monkeypatch)
    assert ended.code == program.UNEXPECTED
    assert ended.err == "error: bug in nago-orch: ZeroDivisionError: division by zero\n"


def test_a_reader_that_leaves_early_causes_no_noise(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = _failing_with(BrokenPipeError(errno.EPIPE, "Broken pipe"), run, monkeypatch)
    assert (ended.code, ended.err) == (128 + signal.SIGPIPE, "")


def test_what_the_system_refuses_is_no_bug(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = _failing_with(OSError(errno.ENOSPC, "No space left on device", "a.csv"), run, monkeypatch)
    assert ended.code == 3
    assert ended.err.startswith("error: operating system error: No space left on device (a.csv)")


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_may_be_closed(closed: str, sqlite_template: Path) -> None:
    command = f"{sys.executable} -m nago_orchestrator list --database {sqlite_template} {closed}"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr


def test_ctrl_c_while_the_program_loads_ends_with_130() -> None:
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from nago_orchestrator.__main__ import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "")


def test_ctrl_c_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _failing_with(KeyboardInterrupt(), run, monkeypatch).code == 130


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").out.startswith("nago-orch ")


def _failing_with(error: BaseException, run: Run, monkeypatch: pytest.MonkeyPatch) -> Ended:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(listing, "print_rows", fail)  # the bug that nobody knows of yet
    return run("list")
