from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nago_orchestrator.executors.local.log import LocalLog


def nothing_said(message: str) -> None:
    raise AssertionError(message)


def test_what_is_there_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    assert LocalLog(file).read(None, nothing_said) is None
    file.write_bytes(b"one\ntwo \xff\nthree")
    assert LocalLog(file).read(None, nothing_said) == ["one", "two �", "three"]
    assert LocalLog(file).read(2, nothing_said) == ["two �", "three"]


def test_a_file_is_waited_for_and_followed_to_the_attempts_end(tmp_path: Path) -> None:
    file, said = tmp_path / "log.txt", list[str]()

    def write(text: str) -> Callable[[], object]:
        def append() -> None:
            with file.open("a") as log:
                log.write(text)

        return append

    steps = [write("one\ntw"), write("o\nthree\n"), write("last, without an end")]
    log = LocalLog(file, sleep=lambda _: None if not steps else (steps.pop(0)(), None)[1])
    assert list(log.follow(None, lambda: bool(steps), said.append)) == ["one", "two", "three", "last, without an end"]
    assert said == ["the attempt has printed nothing so far"]


def test_an_attempt_that_ends_without_a_word_has_no_lines(tmp_path: Path) -> None:
    assert list(LocalLog(tmp_path / "log.txt").follow(None, lambda: False, nothing_said)) == []


def test_only_the_last_lines_of_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_text("one\ntwo\nthree\n")
    assert list(LocalLog(file).follow(1, lambda: False, nothing_said)) == ["three"]
