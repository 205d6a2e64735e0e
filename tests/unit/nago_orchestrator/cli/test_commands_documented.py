"""docs/commands.md names every command with its options, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.cli.command_table import COMMANDS as TABLE
from nago_orchestrator.cli.lazy_group import load

PAGE = (Path(__file__).parents[4] / "docs" / "commands.md").read_text(encoding="utf-8")
SECTIONS = {
    re.sub(r" (\[?[A-Z][A-Za-z.]*\]?)+$", "", title): body
    for title, body in re.findall(r"^### `nago-orch ([^`]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def _commands(commands: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command.commands, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(_commands({command.name: load(command) for command in TABLE}))


def _options(command: Any) -> set[str]:
    return {
        option
        for parameter in command.params
        if parameter.param_type_name == "option" and "--help" not in parameter.opts
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_its_table(name: str) -> None:
    rows = re.findall(r"^\| (`-.*?) \|", SECTIONS[name], re.MULTILINE)
    documented = {option for row in rows for option in re.findall(r"`(-[^`]+)`", row)}
    assert documented == _options(COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name: str) -> None:
    assert re.search(rf"^    \$ nago-orch {name}\b", SECTIONS[name], re.MULTILINE)


@pytest.mark.parametrize("code", ["0", "1", "2", "3", "4", "130"])
def test_every_exit_code_is_documented(code: str) -> None:
    assert f"| {code} |" in PAGE
