"""What becomes of a command whose output nobody takes."""

from __future__ import annotations

import subprocess
import sys

COMMAND = """
import sys
from nago_trainer.deployment.output import printed
from nago_trainer.errors import ReportError
def command():
    sys.stdout.write(1_000_000 * "x")
    return 0
try:
    sys.exit(printed(command))
except ReportError as error:
    sys.exit(f"error: {error}")
"""


def _ended(redirection: str) -> tuple[int, str]:
    line = f'"$0" -c "$1" {redirection}; exit ${{PIPESTATUS[0]}}'
    ended = subprocess.run(["bash", "-c", line, sys.executable, COMMAND], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def test_a_reader_that_goes_away_ends_it_without_a_word() -> None:
    assert _ended("| true") == (141, "")


def test_output_that_cannot_be_written_is_one_sentence() -> None:
    assert _ended("> /dev/full") == (1, "error: cannot write the output: No space left on device\n")


def test_output_that_is_closed_is_not_wanted() -> None:
    assert _ended(">&-") == (0, "")
