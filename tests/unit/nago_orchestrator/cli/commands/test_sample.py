from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.synthetic_study import STUDY_FILE, fill
from tests.command_line import Run

SMALL = ["--image-size", "8", "--channels", "1", "--parameter-limit", "50000", "--theta", "bottom_nodes=3"]


def test_architectures_are_reproducible_and_within_the_limit(run: Run) -> None:
    first, second = (json.loads(run("sample", *SMALL, "--count", "3", "-o", "json").out) for _ in range(2))
    assert first == second
    assert [row["seed"] for row in first] == [0, 1, 2]
    assert all(row["parameters"] <= 50_000 for row in first)
    assert len({row["architecture_hash"] for row in first}) == 3


def test_a_limit_out_of_reach_is_a_row_with_the_smallest_total(run: Run) -> None:
    row = json.loads(run("sample", "--parameter-limit", "10", "-o", "json").out)[0]
    assert row["width"] is None
    assert f"{row['parameters']:,}" in row["infeasible"]


def test_the_best_theta_of_a_study_is_drawn_for_its_images(run: Run, filled: str) -> None:
    ended = run("sample", "--study", "synthetic", "--best", "--database", filled, "-o", "json")
    assert json.loads(ended.out)[0]["parameters"] <= 50_000


def test_what_does_not_fit_into_the_memory_of_a_study_is_infeasible(run: Run, tmp_path: Path) -> None:
    url = str(tmp_path / "tight.sqlite")
    fill(url, 3, study_file=f"{STUDY_FILE.rstrip()}\n  memory: 1 kB\n")
    row = json.loads(run("sample", "--study", "synthetic", "--database", url, "-o", "json").out)[0]
    assert row["width"] > 0
    assert row["infeasible"].startswith("a batch of 1 needs ")
    assert row["infeasible"].endswith(" more than trainer.memory (1 kB)")
    ended = run("space", "synthetic", "-n", "1", "--database", url)
    assert "smallest batch does not fit into trainer.memory: 1" in ended.out


def test_a_preset_brings_its_generator(run: Run) -> None:
    row = json.loads(run("sample", "--preset", "rnag-d", "--theta", "stage_2_nodes=10", "-o", "json").out)[0]
    assert (row["cells"], row["stages"], row["nodes"]) == (3, "1/1/1", 74)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_picture_is_drawn(run: Run, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"first.{suffix}"
    assert run("sample", *SMALL, "--draw", str(file)).code == 0
    assert file.read_bytes()[:5] in (b"<svg ", b"<?xml", b"\x89PNG\r")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--theta", "top_k"], "is not NAME=NUMBER"),
        (["--theta", "top_k=many"], "is not NAME=NUMBER"),
        (["--theta", "top_nods=3"], "--theta names an unknown hyperparameter 'top_nods': did you mean top_nodes?"),
        (["--theta", "=3"], "--theta names an unknown hyperparameter '': choose one of top_nodes, top_k, "),
        (["--preset", "rnag", "--theta", "top_k=3"], "names an unknown hyperparameter 'top_k'"),
        (["--theta", "top_p=2.5"], "top_p must be a number from 0 to 1"),
        (["--theta", "top_nodes=99"], "top_nodes must be an integer from 1 to 64"),
        (["--best"], "--best needs a study"),
        (["--preset", "rnag", "--study", "x"], "--preset and --study"),
        (["--preset", "rnagd"], "did you mean rnag-d?"),
        (["--draw", "picture.gif"], "name a .svg or .png file"),
        (["--draw", "no/such/folder/a.svg"], "cannot write the drawing"),
    ],
)
def test_wrong_options_are_one_sentence(run: Run, arguments: list[str], words: str) -> None:
    ended = run("sample", *arguments)
    assert ended.code == 2
    assert words in ended.err


@pytest.mark.parametrize("suffix", ["svg", pytest.param("png", marks=pytest.mark.slow)])
def test_all_samples_are_drawn_on_one_sheet(run: Run, tmp_path: Path, suffix: str) -> None:
    one, six = tmp_path / f"one.{suffix}", tmp_path / f"six.{suffix}"
    assert run("sample", *SMALL, "--count", "6", "--draw", str(one), "--sheet", str(six)).code == 0
    assert six.stat().st_size > 2 * one.stat().st_size
    if suffix == "svg":
        assert six.read_text(encoding="utf-8").count(", seed ") == 6


def test_a_sheet_has_room_for_some_samples_only(run: Run, tmp_path: Path) -> None:
    ended = run("sample", *SMALL, "--count", "25", "--sheet", str(tmp_path / "many.svg"))
    assert ended.code == 2
    assert ended.err == "error: --sheet draws at most 24 architectures: lower --count\n"
    assert list(tmp_path.glob("*.svg")) == []
