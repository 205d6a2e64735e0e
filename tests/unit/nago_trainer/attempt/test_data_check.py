"""The command that a data check's Job runs, in this process but for one test: all it is given are variables."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nago_trainer.attempt.data_check import THREADS, check_data
from nago_trainer.attempt.termination_message import LARGEST_BYTES
from nago_trainer.contract.data_check import DataAnswer, DataQuestion
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.data.catalogue import load_images
from tests.image_folder import settings_of


def _environment(folder: Path, tmp_path: Path, since: str | None = None) -> dict[str, str]:
    question = DataQuestion(
        source=DataSource(name="folder", path=str(folder), validation_fraction=0.34), kept="x.json", since=since
    )
    return {
        "NAGO_DATA_QUESTION": json.dumps(question.to_json()),
        "NAGO_TOKEN": "secret",
        "NAGO_CHECKPOINTS": str(tmp_path / "checkpoints"),
        "NAGO_TERMINATION_LOG": str(tmp_path / "termination-log"),
    }


def _left(tmp_path: Path) -> dict[str, Any]:
    text = (tmp_path / "termination-log").read_text()
    assert len(text) <= LARGEST_BYTES
    content: dict[str, Any] = json.loads(text)
    assert content["token"] == "secret"
    return content


def test_the_answer_is_the_termination_message_and_what_was_found_is_kept_among_the_checkpoints(
    image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_data(_environment(image_folder, tmp_path)) == ExitCode.DONE
    answer = DataAnswer.unpacked(_left(tmp_path)["data"])
    assert (answer.classes, answer.report.images, answer.report.channels) == (2, 6, 3)
    assert json.loads(capsys.readouterr().out)["fingerprint"] == answer.report.fingerprint
    assert (tmp_path / "checkpoints/.examined/x.json").is_file()


def test_the_images_are_prepared_for_the_trials(image_folder: Path, tmp_path: Path) -> None:
    settings = replace(settings_of(image_folder, 8, 3), prepared=str(tmp_path / "prepared"))
    asked = _environment(image_folder, tmp_path)
    question = DataQuestion.from_json(json.loads(asked["NAGO_DATA_QUESTION"]))
    for classes, made in ((3, False), (2, True)):
        told = replace(question, prepare=replace(settings, classes=classes)).to_json()
        assert check_data({**asked, "NAGO_DATA_QUESTION": json.dumps(told)}) == ExitCode.DONE
        assert (tmp_path / "prepared").exists() == made
    found = DataAnswer.unpacked(_left(tmp_path)["data"]).report.fingerprint
    image_folder.rename(tmp_path / "elsewhere")
    assert load_images(replace(settings, fingerprint=found)).labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_volume_that_cannot_have_them_leaves_no_verdict(image_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("no folder")
    asked = _environment(image_folder, tmp_path)
    settings = replace(settings_of(image_folder, 8, 3), prepared=str(tmp_path / "prepared"))
    question = replace(DataQuestion.from_json(json.loads(asked["NAGO_DATA_QUESTION"])), prepare=settings)
    code = check_data({**asked, "NAGO_DATA_QUESTION": json.dumps(question.to_json())})
    assert code == ExitCode.UNWRITABLE
    assert not (tmp_path / "termination-log").exists()


def test_what_has_changed_since_is_said(image_folder: Path, tmp_path: Path) -> None:
    check_data(_environment(image_folder, tmp_path))
    before = DataAnswer.unpacked(_left(tmp_path)["data"]).report.fingerprint
    (image_folder / "cat").rename(image_folder / "lynx")
    assert check_data(_environment(image_folder, tmp_path, since=before)) == ExitCode.DONE
    assert DataAnswer.unpacked(_left(tmp_path)["data"]).report.changes == (
        "the class 'cat' was removed",
        "the class 'lynx' was added",
    )


def _lie(tmp_path: Path, **lies: Any) -> None:
    """What a trial of any study can write."""
    kept = tmp_path / "checkpoints/.examined/x.json"
    content = json.loads(kept.read_text())
    for entry in content["files"].values():
        entry.update(lies)
    kept.write_text(json.dumps(content))


def _age(folder: Path) -> None:
    """What changed just now is not kept."""
    for file in folder.glob("*/*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))


@pytest.mark.parametrize("lies", [{"digest": "0" * 64}, {"peak": 4095}])
def test_what_was_kept_makes_no_images_look_changed_or_bad(
    image_folder: Path, tmp_path: Path, lies: dict[str, Any]
) -> None:
    _age(image_folder)
    check_data(_environment(image_folder, tmp_path))
    first = DataAnswer.unpacked(_left(tmp_path)["data"])
    for since in (None, first.report.fingerprint):
        _lie(tmp_path, **lies)
        assert check_data(_environment(image_folder, tmp_path, since=since)) == ExitCode.DONE
        assert DataAnswer.unpacked(_left(tmp_path)["data"]) == first


def test_what_was_kept_settles_no_doubt_and_saves_the_reading_where_there_is_none(
    image_folder: Path, tmp_path: Path
) -> None:
    _age(image_folder)
    check_data(_environment(image_folder, tmp_path))
    before = DataAnswer.unpacked(_left(tmp_path)["data"]).report.fingerprint
    (changed, *_) = sorted(image_folder.glob("*/*"))
    changed.write_bytes(b"x" * changed.stat().st_size)
    _age(image_folder)
    environment = _environment(image_folder, tmp_path, since=before)
    check_data(environment)
    assert DataAnswer.unpacked(_left(tmp_path)["data"]).report.fingerprint == before, "nothing was read"
    question = {**json.loads(environment["NAGO_DATA_QUESTION"]), "anew": True}
    check_data({**environment, "NAGO_DATA_QUESTION": json.dumps(question)})
    report = DataAnswer.unpacked(_left(tmp_path)["data"]).report
    assert report.fingerprint != before
    assert report.broken_count == 1


def test_images_whose_storage_fails_are_neither_broken_nor_changed(
    image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (image_folder / "cat/9.png").symlink_to("/proc/self/mem")  # a file by all signs, and an input/output error
    assert check_data(_environment(image_folder, tmp_path, since="a" * 64)) == ExitCode.UNWRITABLE
    assert not (tmp_path / "termination-log").exists(), "no verdict: the exit code makes it a matter of the cluster"
    assert re.search(r"Input/output error \(.*cat/9\.png\)", capsys.readouterr().err)


@pytest.mark.parametrize("victim", ["stat", "iterdir", "read_bytes"])
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ESTALE, ExitCode.UNWRITABLE),
        (errno.ETIMEDOUT, ExitCode.UNWRITABLE),
        (errno.EACCES, ExitCode.BAD_TASK),
    ],
)
def test_what_may_not_be_read_is_told_from_what_cannot_be_read_now(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str, number: int, code: ExitCode
) -> None:
    environment, real = _environment(image_folder, tmp_path), getattr(Path, victim)

    def fail(path: Path, **options: Any) -> Any:
        if "cat" in path.parts:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, **options)

    monkeypatch.setattr(Path, victim, fail)
    broken = victim == "read_bytes" and code is ExitCode.BAD_TASK
    assert check_data(environment) == (ExitCode.DONE if broken else code), "a single file is named in the report"


def test_few_threads_decode_however_many_cpus_the_node_has(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    for number in range(200):
        (image_folder / f"cat/{number}.png").write_bytes(next(image_folder.glob("Dog/*")).read_bytes())
    threads, real = set[int](), Image.open

    def slow(*arguments: Any) -> Any:
        threads.add(threading.get_ident())
        time.sleep(0.001)
        return real(*arguments)

    monkeypatch.setattr(Image, "open", slow)
    assert check_data(_environment(image_folder, tmp_path)) == ExitCode.DONE
    assert 1 < len(threads) <= THREADS


def test_a_folder_that_is_not_there_is_a_failure_with_a_sentence(tmp_path: Path) -> None:
    assert check_data(_environment(tmp_path / "nowhere", tmp_path)) == ExitCode.BAD_TASK
    failure = _left(tmp_path)["failure"]
    assert failure["reason"] == "BadData"
    assert "there is no such folder" in failure["message"]


def test_a_question_that_cannot_be_read_is_a_failure_with_a_sentence(image_folder: Path, tmp_path: Path) -> None:
    environment = {**_environment(image_folder, tmp_path), "NAGO_DATA_QUESTION": "{"}
    assert check_data(environment) == ExitCode.BAD_TASK
    assert "invalid question about the images" in _left(tmp_path)["failure"]["message"]


def test_the_command_needs_neither_torch_nor_a_database(image_folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['psycopg2'] = None\n"
        "from nago_trainer.__main__ import main; sys.exit(main(['check-data', '--job']))"
    )
    environment = {**os.environ, **_environment(image_folder, tmp_path)}
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert DataAnswer.unpacked(_left(tmp_path)["data"]).report.images == 6
