"""The help and the completion are answered without a command's module, and say what the commands say of themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from nago_orchestrator.cli.command_table import COMMANDS
from nago_orchestrator.cli.lazy_group import load
from tests.command_line import Run

PROGRAM = "from nago_orchestrator.cli.app import main; main(sys.argv[1:] or None)"
NAMES = [command.name for command in COMMANDS]


def _program(code: str, *arguments: str, **environment: str) -> str:
    command = [sys.executable, "-c", f"import sys; {code}", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    ).stdout


def test_the_table_says_what_the_commands_say_of_themselves() -> None:
    first = {command.name: (load(command).help or "").split("\n\n")[0] for command in COMMANDS}
    assert {command.name: command.help for command in COMMANDS} == {
        name: " ".join(text.split()) for name, text in first.items()
    }


def test_the_help_has_every_command_in_the_order_of_the_table(run: Run) -> None:
    listed = run("--help").out.partition("Commands:")[2]
    assert re.findall(r"^  ([a-z-]+)  ", listed, re.MULTILINE) == NAMES


def test_a_terminal_sees_the_commands_in_their_panels() -> None:
    pretend = "sys.stdout.isatty = lambda: True; "
    shown = _program(pretend + PROGRAM, "--help", COLUMNS="200", TERMINAL_WIDTH="200")
    places = [shown.index(f" {panel} ") for panel in dict.fromkeys(command.panel for command in COMMANDS)]
    assert places == sorted(places)
    assert all(shown.index(f" {command.panel} ") < shown.index(command.help) for command in COMMANDS)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()])
def test_no_command_is_imported_for_the_help(arguments: tuple[str, ...]) -> None:
    watch = (
        "import atexit, os; "
        "atexit.register(lambda: print('loaded', *(n for n in sys.modules if '.cli.commands.' in n))); "
    )
    shown = _program(watch + PROGRAM.replace("sys.argv[1:] or None", "sys.argv[1:]"), *arguments)
    assert shown.rstrip().splitlines()[-1] == "loaded"


@pytest.mark.slow
def test_one_command_imports_its_own_module_alone() -> None:
    watch = "import atexit; atexit.register(lambda: print(*(n for n in sys.modules if '.cli.commands.' in n))); "
    shown = _program(watch + PROGRAM, "schema", "--help")
    assert shown.rstrip().splitlines()[-1] == "nago_orchestrator.cli.commands.schema"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "place", "completed"),
    [("nago-orch ", 1, NAMES), ("nago-orch s", 1, ["submit", "serve", "status", "show", "sample", "space", "schema"]),
     ("nago-orch db ", 2, ["upgrade", "check", "backup", "restore"]), ("nago-orch list -o j", 3, ["json"]),
     ("nago-orch status --wa", 2, ["--watch"])],
)  # fmt: skip
def test_commands_and_their_options_are_completed(words: str, place: int, completed: list[str]) -> None:
    shown = _program(PROGRAM, _NAGO_ORCH_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(place))
    assert shown.split() == completed
