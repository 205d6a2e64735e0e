"""Whatever a command writes, in whatever encoding, with whatever a trainer has put into it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nago_orchestrator.cli.output.say import say, say_fact, say_progress
from nago_orchestrator.cli.output.tables import Column, to_csv, to_lines

HOSTILE = "lost\x1b[2J\x1b]52;c;cm0=\x07\rnothing\u202e"
SHOWN = "lost\\u001b[2J\\u001b]52;c;cm0=\\u0007\\u000dnothing\\u202e"


def test_no_way_of_writing_lets_it_through(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    say(HOSTILE, err=True)
    say_fact("reason", HOSTILE)
    say_progress(HOSTILE, last=True)
    columns = (Column(key="message", title="message"),)
    say(to_csv([{"message": HOSTILE}], columns))
    say(to_lines([{"message": HOSTILE}], columns))
    out, err = capsys.readouterr()
    assert out.count(SHOWN) == 4
    assert err.count(SHOWN) == 2
    assert "\x1b" not in (out + err).replace("\x1b[2m", "").replace("\x1b[0m", "")


def test_a_line_break_does_not_break_a_table() -> None:
    assert Column(key="message", title="message").text({"message": "a\nb"}) == "a\\u000ab"


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(name, marks=pytest.mark.slow) for name in ("latin-1", "utf-8"))]
)
def test_an_encoding_that_lacks_a_character_shows_its_escape(encoding: str) -> None:
    command = [sys.executable, "-m", "nago_orchestrator", "status", "θ-☃", "--database", "absent.sqlite"]
    ended = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False)
    told = ended.stderr.decode(encoding)
    assert ended.returncode != 0
    assert told.startswith("error: ")
    assert "bug" not in told
