"""Studies that version 0.1.0 has stored still open, answer as they did, replay, and are resumed to their end.

How the databases beside this file were made stands in README.md. Everything goes through the command and through SQL,
so that the tests hold whatever becomes of the modules.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from nago_orchestrator.__main__ import main
from tests import processes
from tests.command_line import Ended, Run
from tests.conftest import PostgresDatabases

STORED = Path(__file__).parent / "0.1.0"
KINDS = ("sqlite", "postgresql")
COMMANDS = ("status", "best", "pareto", "trials", "replay")
TOLERANCE = 1e-9
"""Of what is computed from stored values, such as a hypervolume: machines may differ in its last digits."""
MODELLED = ("ehvi", "infeasible", "mobo-", "phases", "process", "warm-ended")
"""Beginnings of the names of the studies whose surrogate takes some seconds to fit."""
COMMANDS_OF_ONE_PROCESS = Path(__file__).parent / "in_one_process.py"
NOT_COMPLETED = ("cancelled", "failed")
"""Likewise, of the ended studies in another state."""
LONGEST_SECONDS = 3600
pytestmark = [  # all of them restore whole databases, and most run studies
    pytest.mark.slow,
    pytest.mark.timeout(LONGEST_SECONDS),
]
ARITHMETIC = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}
"""The last digits of a surrogate's fit depend on the number of threads and on the processor's instructions, and what it
proposes depends on them: as when the studies were made."""

Restore = Callable[[str, Path], str]
"""Makes a database of a kind, in the folder if it is a file, and gives its address."""


def _studies(kind: str, ending: str = "") -> list[str]:
    return sorted(path.stem for path in (STORED / kind / "answers").glob(f"*{ending}.json"))


def _cases(ending: str = "", *, without: tuple[str, ...] = ()) -> list[Any]:
    """Kind and study, of all studies whose name has this ending, but for those with such a beginning."""
    return [
        pytest.param(kind, study, id=f"{kind}-{study}")
        for kind in KINDS
        for study in _studies(kind, ending)
        if not study.startswith(without)
    ]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _dump(kind: str) -> str:
    return gzip.decompress((STORED / kind / "dump.sql.gz").read_bytes()).decode()


def _restore_sqlite(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_dump("sqlite"))
    return str(path)


def _restore_postgresql(databases: PostgresDatabases) -> str:
    """The dump grants rights to the trainers' role, which belongs to the server and not to the database."""
    address = databases.create()
    with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = 'nago_trainer'")
        if cursor.fetchone() is None:
            cursor.execute("CREATE ROLE nago_trainer NOLOGIN")
        cursor.execute(_dump("postgresql"))
    return address


@pytest.fixture(scope="module")
def restore(request: pytest.FixtureRequest) -> Restore:
    def make(kind: str, folder: Path) -> str:
        if kind == "sqlite":
            address = _restore_sqlite(folder / "nago.sqlite")
        else:
            address = _restore_postgresql(request.getfixturevalue("postgres"))
        _commands(address, folder, "db upgrade")
        return address

    return make


@pytest.fixture(scope="module")
def untouched(restore: Restore, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The address of the one database of a kind that all tests share which only read."""
    made: dict[str, str] = {}

    def address_of(kind: str) -> str:
        if kind not in made:
            made[kind] = restore(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    return address_of


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command in this process, which spares a second each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def run_command(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["nago-orch", *arguments])  # as the shell would set it
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run_command


def _listing(run: Run, address: str, *arguments: str) -> Any:
    ended = run(*arguments, "--output", "json", "--database", address)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def _commands(address: str, folder: Path, *commands: str) -> None:
    """In a process of their own: trials need one, and its arithmetic can be chosen."""
    environment = {
        **os.environ,
        **ARITHMETIC,
        "NAGO_DATABASE_URL": address,
        "XDG_DATA_HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
        "NO_COLOR": "1",
    }
    process = processes.start(
        [sys.executable, COMMANDS_OF_ONE_PROCESS, *commands],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = process.communicate()
    assert process.returncode == 0, f"{output}\n{errors}"


def _differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """What was there and is gone or another; keys that only the new value has are welcome."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key in new:
                yield from _differences(value, new[key], f"{where}.{key}")
            else:
                yield f"{where}.{key} is gone"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(before, after, f"{where}[{place}]")
    elif not _equal(old, new):
        yield f"{where} was {old!r} and is {new!r}"


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float | int) and not isinstance(new, bool):
        return bool(new == pytest.approx(old, rel=TOLERANCE, nan_ok=True))
    return type(old) is type(new) and bool(old == new)


def _rows(kind: str, address: str, statement: str) -> tuple[list[str], list[list[Any]]]:
    """Names of the columns, and the rows."""
    connect: Callable[[str], Any] = sqlite3.connect if kind == "sqlite" else psycopg2.connect
    with closing(connect(address)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return [entry[0] for entry in cursor.description], [list(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("kind", KINDS)
def test_all_studies_are_listed(kind: str, untouched: Callable[[str], str], run: Run) -> None:
    found = _listing(run, untouched(kind), "list")
    assert list(_differences(_read(STORED / kind / "list.json"), found)) == []


@pytest.mark.parametrize(("kind", "study"), _cases())
def test_answers_are_what_they_were(kind: str, study: str, untouched: Callable[[str], str], run: Run) -> None:
    address, stored = untouched(kind), _read(STORED / kind / "answers" / f"{study}.json")
    found = {command: _listing(run, address, command, study) for command in COMMANDS}
    found["show"] = _listing(run, address, "show", f"{study}/0")
    for attempt in stored["show"]["attempt_rows"]:
        del attempt["token"]  # with which a result can be reported: it is no longer printed
    assert list(_differences(stored, found)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_views_have_the_columns_and_rows_that_they_had(kind: str, untouched: Callable[[str], str]) -> None:
    for view, stored in _read(STORED / kind / "views.json").items():
        columns, _ = _rows(kind, untouched(kind), f"SELECT * FROM {view} LIMIT 0")
        assert set(stored["columns"]) <= set(columns), view
        _, rows = _rows(kind, untouched(kind), f"SELECT {', '.join(stored['key'])} FROM {view}")
        assert sorted(rows) == sorted(stored["rows"]), view


@pytest.mark.parametrize("kind", KINDS)
def test_proposals_and_architectures_are_made_again(kind: str, untouched: Callable[[str], str], tmp_path: Path) -> None:
    studies = [study for study in _studies(kind, "-ended") if not study.startswith(MODELLED)]
    _commands(untouched(kind), tmp_path, *(f"replay {study} --verify" for study in studies))


def test_proposals_of_a_model_are_made_again(untouched: Callable[[str], str], tmp_path: Path) -> None:
    """From one kind of database: what a fit is given is the same, and it takes minutes."""
    studies = [study for study in _studies("sqlite", "-ended") if study.startswith(MODELLED)]
    _commands(untouched("sqlite"), tmp_path, *(f"replay {study} --verify" for study in studies))


@pytest.mark.parametrize(("kind", "study"), _cases("-ended", without=NOT_COMPLETED))
def test_the_study_file_is_still_the_study_that_was_stored(
    kind: str, study: str, untouched: Callable[[str], str], run: Run
) -> None:
    """Another canonical form would be refused as another study of the same name; a completed study stays as it is."""
    ended = run("submit", str(STORED / "studies" / f"{study}.yaml"), "--database", untouched(kind))
    assert ended.code == 0, ended.err
    assert f"study {study} is completed" in ended.out


@pytest.mark.parametrize(
    ("kind", "study"),
    [case for case in _cases("-open") if case.values[0] == "sqlite" or not case.values[1].startswith(MODELLED)],
)
def test_an_interrupted_study_is_resumed_to_its_end(
    kind: str, study: str, restore: Restore, tmp_path: Path, run: Run
) -> None:
    address, stored = restore(kind, tmp_path), _read(STORED / kind / "answers" / f"{study}.json")
    _commands(address, tmp_path, f"resume {study}", f"replay {study} --verify")
    status = _listing(run, address, "status", study)
    expected = _read(STORED / kind / "resumed.json")[study]
    assert {key: status[key] for key in expected} == expected
    kept = _listing(run, address, "replay", study)[: len(stored["replay"])]
    assert list(_differences(stored["replay"], kept)) == [], "what was known before the interruption"
