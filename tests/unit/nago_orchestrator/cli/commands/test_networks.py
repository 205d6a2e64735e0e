"""networks, show and best name the files of saved networks."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from io import StringIO
from pathlib import Path

import pytest

from benchmarks.synthetic_study import fill
from tests.command_line import Run


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A study whose trials have all saved their network, of which one file is here; and this file."""
    folder = tmp_path_factory.mktemp("kept")
    url, file = str(folder / "study.sqlite"), folder / "network.pt"
    fill(url, 39)
    file.touch()
    with sqlite3.connect(url) as connection:
        connection.execute("UPDATE result SET network = '/gone/network.pt'")
        connection.execute("UPDATE result SET network = ? WHERE trial_id = 1", (str(file),))
    connection.close()
    return url, file


def test_the_networks_are_listed_with_their_files(run: Run, kept: tuple[str, Path]) -> None:
    url, file = kept
    rows = json.loads(run("networks", "--database", url, "-o", "json").out)
    first, second = rows[:2]
    assert (first["trial"], first["file"], first["place"]) == (0, str(file), "here")
    assert (second["file"], second["network"]) == (None, "/gone/network.pt")
    table = run("networks", "--database", url)
    assert str(file) in table.out
    assert "trial 1: /gone/network.pt, which is not on this machine" in table.err
    cells = list(csv.DictReader(StringIO(run("networks", "--database", url, "-o", "csv").out)))
    assert [row["trial"] for row in cells] == [str(row["trial"]) for row in rows]


def test_show_and_best_name_the_file(run: Run, kept: tuple[str, Path]) -> None:
    url, file = kept
    assert str(file) in run("show", "0", "--database", url).out
    assert json.loads(run("show", "0", "--database", url, "-o", "json").out)["network_file"] == str(file)
    best = run("best", "--database", url)
    assert "saved networks" in best.out
    found = json.loads(run("best", "--database", url, "-o", "json").out)
    assert [row["trial"] for row in found["networks"]] == [row["trial"] for row in found["trials"]]


def test_a_study_without_saved_networks_says_how_to_save_some(run: Run, filled: str) -> None:
    ended = run("networks", "--database", filled, "-o", "json")
    assert (ended.code, ended.out) == (0, "[]\n")
    assert "`nago-orch train-best` and trainer.keep_networks save them" in ended.err
    shown = json.loads(run("show", "0", "--database", filled, "-o", "json").out)
    assert (shown["network"], shown["network_file"]) == (None, None)


def test_a_trials_network_is_handed_to_the_trainer(
    run: Run, kept: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that is started here shows what it was given."""
    url, file = kept
    show = (sys.executable, "-c", "import sys; print(sys.argv[1:])")
    monkeypatch.setattr("nago_orchestrator.executors.local.network_export.export_network.__defaults__", (show,))
    told = run("export-network", "0", "--format", "pt2", "--force", "--database", url)
    assert (told.code, told.out) == (
        0,
        f"['{file}', '--trial', 'synthetic/0', '--format', 'pt2', '-O', 'synthetic-0.pt2', '--force']\n",
    )


@pytest.mark.slow
def test_the_trainers_sentence_is_the_commands(run: Run, kept: tuple[str, Path]) -> None:
    """The file is empty."""
    url, _ = kept
    told = run("export-network", "0", "--database", url)
    assert told.code == 2
    assert told.err.startswith("error: not a file of a saved network (")


def test_a_network_that_is_elsewhere_or_was_not_saved_is_one_sentence(
    run: Run, kept: tuple[str, Path], filled: str
) -> None:
    url, _ = kept
    away = run("export-network", "1", "--database", url)
    assert (away.code, away.err.count("\n")) == (2, 1)
    assert "is not on this machine (/gone/network.pt" in away.err
    assert "`nago-train export network.pt --format FORMAT`" in away.err
    none = run("export-network", "0", "--database", filled)
    assert none.code == 4
    assert "has no saved network" in none.err
    assert run("export-network", "999", "--database", url).code == 4


def test_a_trial_is_drawn(run: Run, filled: str, tmp_path: Path) -> None:
    assert run("show", "0", "--figure", "trial.svg", "--database", filled).code == 0
    assert "trial synthetic/0" in (tmp_path / "trial.svg").read_text(encoding="utf-8")
    ended = run("show", "0", "--figure", "trial.gif", "--database", filled)
    assert (ended.code, ended.out) == (2, "")
    assert "--figure cannot write a file of this type" in ended.err
