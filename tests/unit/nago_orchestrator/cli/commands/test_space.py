from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.spec.presets import PRESETS
from tests.command_line import Run

FEW = ["-n", "4", "--image-size", "8", "--channels", "1", "--parameter-limit", "50000"]
STUDY = """\
name: mine
space: {preset: rnag, hyperparameters: {stage_1_nodes: 5, stage_2_nodes: 5, stage_3_nodes: {low: 5, high: 6}}}
search: {algorithm: random, proposals: 2}
fidelities: [1]
trainer: {dataset: {name: digits}, parameter_limit: 30000}
"""


def described(run: Run, *arguments: str) -> list[dict[str, Any]]:
    ended = run("space", *arguments, "-o", "json")
    assert ended.code == 0, ended.err
    found: list[dict[str, Any]] = json.loads(ended.out)
    return found


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_described(run: Run, preset: str) -> None:
    (found,) = described(run, "--preset", preset, *FEW)
    assert (found["space"], found["preset"], found["draws"], found["infeasible"]) == (preset, preset, 4, {})
    assert len(found["samples"]) == 4
    assert found["quantiles"]["parameters"]["max"] <= 50_000


def test_the_same_seed_describes_the_same(run: Run) -> None:
    first, second = (described(run, "--preset", "rnag", *FEW, "--seed", "5") for _ in range(2))
    assert first == second
    assert first != described(run, "--preset", "rnag", *FEW, "--seed", "6")


def test_a_study_file_brings_its_space_images_and_limit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    (found,) = described(run, "mine.yaml", "-n", "2")
    assert (found["space"], found["generator"], found["preset"]) == ("mine", "rnag", None)
    assert (found["image_size"], found["channels"], found["classes"], found["parameter_limit"]) == (8, 1, 10, 30_000)
    assert found["samples"][0]["nodes"] in (15, 16)
    (larger,) = described(run, "mine.yaml", "-n", "2", "--parameter-limit", "90000", "--image-size", "16")
    assert (larger["image_size"], larger["parameter_limit"]) == (16, 90_000)


def test_what_does_not_fit_into_the_memory_of_a_study_file_is_infeasible(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        STUDY.replace("parameter_limit: 30000", "parameter_limit: 30000, memory: 500 kB, smallest_batch_size: 16")
    )
    (found,) = described(run, "mine.yaml", "-n", "2", "--classes", "10")
    assert found["memory"] == 500_000
    assert found["infeasible"] == {"smallest batch does not fit into trainer.memory": 2}
    out = run("space", "mine.yaml", "-n", "2").out
    assert "10 classes, at most 30,000 parameters, a batch of 16 within 500 kB" in out


def test_what_only_the_images_tell_is_assumed_and_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY.replace("name: digits", "name: folder, path: images"))
    ended = run("space", "mine.yaml", "-n", "1", "-o", "json")
    assert "the images are not read here: 3 channels and 10 classes are assumed" in ended.err
    assert json.loads(ended.out)[0]["channels"] == 3
    told = run("space", "mine.yaml", "-n", "1", "-o", "json", "--channels", "1", "--classes", "4")
    assert told.err == ""
    assert json.loads(told.out)[0]["classes"] == 4


def test_a_study_of_the_database_is_described_and_found_alone(run: Run, filled: str) -> None:
    named, alone = (described(run, *name, "-n", "2", "--database", filled) for name in (["synthetic"], []))
    assert named == alone
    assert named[0]["generator"] == "hnag"


def test_a_table_says_what_is_searched_and_what_it_gives(run: Run) -> None:
    out = run("space", "--preset", "hnag", "--preset", "rnag-d", *FEW).out
    assert "8 of 22 hyperparameters" in out
    assert "10,240 combinations of nodes and k, 1,960 distinct" in out
    assert "top_nodes" in out
    assert "1 distinct; 4 samples share theirs with another" in out
    assert "bytes" not in out
    assert out.count("memory") == 2


def test_csv_has_one_line_for_each_draw(run: Run) -> None:
    out = run("space", "--preset", "hnag", "--preset", "rnag", *FEW, "-o", "csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["space"] for row in rows] == ["hnag"] * 4 + ["rnag"] * 4
    assert rows[0]["theta.top_nodes"]
    assert rows[4]["theta.top_nodes"] == ""
    assert rows[4]["theta.stage_1_nodes"]


def test_a_limit_out_of_reach_is_counted(run: Run) -> None:
    (found,) = described(run, "--preset", "rnag-d", "-n", "2", "--parameter-limit", "10")
    assert found["infeasible"] == {"parameter limit out of reach": 2}
    out = run("space", "--preset", "rnag-d", "-n", "2", "--parameter-limit", "10").out
    assert "2 of 2 (100.00 %): parameter limit out of reach: 2" in out


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_a_picture_is_drawn(run: Run, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"spaces.{suffix}"
    assert run("space", "--preset", "hnag", "--preset", "rnag", *FEW, "-O", str(file)).code == 0
    assert file.read_bytes()[:5] in (b"<svg ", b"\x89PNG\r", b"<!doc")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--preset", "rnagd"], 2, "there is no preset 'rnagd': did you mean rnag-d?"),
        (["--preset", "x"], 2, "choose one of hnag, "),
        (["no.yaml"], 2, "there is no such study file (no.yaml)"),
        (["nothing"], 4, "nothing"),
        ([], 4, "the database has no study yet"),
        (["--preset", "rnag-d", *FEW, "-O", "a.gif"], 2, "--draw cannot write a file of this type: a.gif"),
        (["--preset", "rnag-d", *FEW, "-O", "no/such/a.svg"], 2, "cannot write the drawing"),
    ],
)
def test_wrong_input_is_one_sentence(run: Run, arguments: list[str], code: int, words: str) -> None:
    ended = run("space", *arguments)
    assert ended.code == code
    assert words in ended.err


@pytest.mark.slow
def test_no_torch_and_no_plotly_are_loaded(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from nago_orchestrator.cli.app import main\n"
        f"try:\n    main(['space', '--preset', 'rnag-d', '-n', '1', '-O', {str(tmp_path / 'a.html')!r}])\n"
        "except SystemExit:\n    print(sorted({'torch', 'plotly', 'ConfigSpace'} & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
