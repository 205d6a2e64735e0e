from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nago_trainer import __version__
from nago_trainer.__main__ import main
from nago_trainer.contract.exit_codes import ExitCode


def _describe(question: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(question))
    return main(["describe-data"])


def test_a_dataset_is_described_as_json(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _describe(json.dumps({"name": "folder", "path": str(image_folder)}), monkeypatch) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {
        "channels": 3,
        "classes": 2,
        "images": 6,
        "class_names": ["Dog", "cat"],
        "size": 10,
    }


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "invalid input of describe-data"),
        ("[1]", "invalid input of describe-data"),
        ('{"path": "x"}', "invalid input of describe-data"),
        ('{"name": "mnist"}', "no dataset 'mnist'"),
        ('{"name": "folder", "path": "/nowhere"}', "there is no such folder (/nowhere)"),
    ],
)
def test_a_dataset_that_cannot_be_described(
    question: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _describe(question, monkeypatch) == ExitCode.BAD_TASK
    told = capsys.readouterr()
    assert message in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["--help"], 0), (["fly"], 64), ([], 64)])
def test_exit_codes_of_the_command_line(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == code


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"nago-train {__version__}\n"


@pytest.mark.parametrize(
    ("package", "command", "question"), [("PIL", "describe-data", '{"name": "digits"}'), ("torch", "warm", "")]
)
def test_a_package_that_is_not_installed_is_named_with_the_way_to_get_it(
    package: str, command: str, question: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        f"from nago_trainer.__main__ import main; sys.exit(main([{command!r}]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], input=question, capture_output=True, text=True, check=False)
    assert ended.returncode == ExitCode.BAD_TASK
    assert ended.stderr == (
        f"error: training needs the package {package}, which is not installed: "
        "pip install 'nago-orchestrator[trainer]'\n"
    )


def test_a_missing_driver_is_reported_to_the_orchestrator(tmp_path: Path) -> None:
    left = tmp_path / "termination-log"
    code = "import sys; sys.modules['psycopg2'] = None\nfrom nago_trainer.__main__ import main; sys.exit(main(['run']))"
    variables = {
        "NAGO_ATTEMPT": "t00001-a1",
        "NAGO_TOKEN": "secret",
        "NAGO_DATABASE_URL": "postgresql://nobody@localhost/nago",
        "NAGO_TERMINATION_LOG": str(left),
    }
    ended = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == ExitCode.BAD_TASK
    assert "pip install 'nago-orchestrator[postgres]'" in json.loads(left.read_text())["failure"]["message"]


def test_a_run_needs_a_folder_or_a_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NAGO_ATTEMPT", raising=False)
    assert main(["run"]) == ExitCode.BAD_TASK
    assert "NAGO_ATTEMPT is not set: give a folder" in capsys.readouterr().err
