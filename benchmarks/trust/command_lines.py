"""Command lines that nobody should type: every command, every option, outlandish values and missing ones."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from benchmarks import synthetic_study
from benchmarks.trust.one_command import finding
from nago_orchestrator.cli.command_table import COMMANDS
from nago_orchestrator.cli.lazy_group import load
from nago_orchestrator.services.studies import cancel_study

STUDY = synthetic_study.NAME
TRIALS = 39
FOREVER = ("serve",)
"""Runs until it is ended; so it gets no database that works."""
STARTING = {"submit": "--dry-run"}
"""What starts a process if nothing is wrong, and what keeps it from it."""
SLOW = ("doctor", "space", "sample", "report", "replay")
"""One of these is drawn as often as one of all others."""
VALUES = (
    *("", " ", "0", "-1", "1", "5", "1e400", "nan", "inf", "-inf", str(2**70), "0x1", "1,2", "a=b", "=", "top_p=2"),
    *(
        "x" * 5000,
        "\n",
        "\x1b[2J",
        "é",
        "🙂",
        "\udcff",
        "%s",
        "../..",
        "json",
        "csv",
        "table",
        "yaml",
        "--",
        "-",
        "-o",
        "@x",
    ),
    *("/dev/null", "/nonexistent/x/y", "postgresql://", "postgresql://nobody@127.0.0.1:1/none", "mysql://a/b"),
    *("postgresql://[::1", "sqlite:///", "sqlite://///x", "postgresql://u:p@h:99999/d", "://", "file:///etc"),
    *(STUDY, "none", "accuracy", "memory"),
)


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
"""What the operating system can hand to a program; of lone surrogates it hands over bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with what the commands are pointed at."""

    folder: Path
    names: tuple[str, ...]
    """Of files and folders in it."""
    database: str
    pristine: Path
    """A copy of it, elsewhere."""
    commands: Mapping[str, Any]


def place(folder: Path, pristine: Path) -> Place:
    """The study in it is over, so that nothing starts it."""
    synthetic_study.fill(str(pristine), TRIALS)
    cancel_study(STUDY, str(pristine), datetime.now(UTC))
    folder.mkdir()
    (folder / "study.yaml").write_text(synthetic_study.STUDY_FILE)
    (folder / "folder").mkdir()
    (folder / "empty").write_bytes(b"")
    (folder / "noise").write_bytes(bytes(range(256)) * 40)
    names = ("study.sqlite", "study.yaml", "folder", "empty", "noise", "missing", "folder/new", "empty/below")
    return Place(
        folder=folder,
        names=names,
        database=str(folder / "study.sqlite"),
        pristine=pristine,
        commands={command.name: load(command) for command in COMMANDS},
    )


def command_lines(at: Place) -> st.SearchStrategy[list[str]]:
    quick = [command.name for command in COMMANDS if command.name not in SLOW]
    names = st.one_of(st.sampled_from(quick), st.sampled_from(quick), st.sampled_from((*quick, *SLOW)))
    return names.flatmap(lambda name: _lines(name, at))


@st.composite
def _lines(draw: st.DrawFn, name: str, at: Place) -> list[str]:
    words, leaf = [name], at.commands[name]
    if hasattr(leaf, "commands"):
        words.append(draw(st.sampled_from(sorted(leaf.commands))))
        leaf = leaf.commands[words[-1]]
    values = st.one_of(
        st.sampled_from(VALUES), st.sampled_from(at.names).map(lambda file: str(at.folder / file)), WORDS
    )
    for parameter in leaf.params:
        words += _given(draw, parameter, values, at, forever=name in FOREVER)
    if draw(st.integers(0, 9)) == 0:
        words.insert(draw(st.integers(1, len(words))), draw(st.one_of(values, st.just("--nothing"))))
    return [*words, *([STARTING[name]] if name in STARTING else [])]


def _given(
    draw: st.DrawFn, parameter: Any, values: st.SearchStrategy[str], at: Place, *, forever: bool
) -> Sequence[str]:
    if parameter.param_type_name == "argument":
        likely = st.sampled_from((STUDY, str(at.folder / "study.yaml"), "3"))
        return [draw(st.one_of(likely, values))] if draw(st.integers(0, 4)) else []
    option = draw(st.sampled_from((*parameter.opts, *parameter.secondary_opts)))
    if "--database" in parameter.opts:
        if forever:
            return [option, str(at.folder / "empty" / "below")]
        return [option, draw(values)] if draw(st.integers(0, 3)) == 0 else [option, at.database]
    if draw(st.integers(0, 3)):
        return []
    if getattr(parameter, "is_flag", False):
        return [option]
    return [option] if draw(st.integers(0, 9)) == 0 else [option, draw(values)]


def running(words: Sequence[str], at: Place) -> str | None:
    """In the folder, whose database is as it was before; a command may have written over it."""
    for file in at.folder.glob("study.sqlite-*"):
        file.unlink()
    shutil.copyfile(at.pristine, at.database)
    return finding(words)
