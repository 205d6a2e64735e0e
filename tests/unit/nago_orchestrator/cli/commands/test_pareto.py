"""pareto: the front's measure as text and as JSON, and its own references and fidelity."""

from __future__ import annotations

import json

import pytest

from tests.command_line import Run


def test_json_has_the_points_and_their_measure(run: Run, filled: str) -> None:
    found = json.loads(run("pareto", "-o", "json", "--database", filled).out)
    assert found["points"]
    assert found["hypervolume"] > 0
    assert 0 < found["hypervolume_share"] < 1
    assert found["reference"].keys() == found["reference_given"].keys() == {"accuracy", "memory"}
    assert not any(found["reference_given"].values())
    assert found["fidelity"] == 27
    assert sum(point["contribution"] for point in found["points"]) <= found["hypervolume"] * (1 + 1e-9)


@pytest.mark.parametrize(
    "given", [["accuracy=0.1,memory=1MB"], ["accuracy=0.1", "memory=1000000"], ["memory=1e6", " accuracy = 0.1 "]]
)
def test_a_reference_is_taken_as_the_study_file_takes_it(run: Run, filled: str, given: list[str]) -> None:
    options = [word for text in given for word in ("--reference", text)]
    found = json.loads(run("pareto", *options, "-o", "json", "--database", filled).out)
    assert found["reference"] == {"accuracy": 0.1, "memory": 1e6}
    assert found["reference_given"] == {"accuracy": True, "memory": True}
    shown = run("pareto", *options, "--database", filled).out
    assert "with the reference point accuracy 10.00 %, memory 1 MB/sample: " in shown
    assert "% of the largest possible, up to accuracy 100.00 %, memory 0 B/sample" in shown


def test_nothing_within_the_reference_is_said(run: Run, filled: str) -> None:
    shown = run("pareto", "--reference", "accuracy=1,memory=1", "--database", filled).out
    assert "hypervolume 0 with the reference point" in shown
    assert "no point of the front is better than the reference point in every objective" in shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("accuracy=0.1", "has no value for memory, nor has the study file: give NAME=VALUE for each objective"),
        ("acuracy=0.1", "names 'acuracy', which is no objective of the study: did you mean accuracy?"),
        ("accuracy", "'accuracy' is not NAME=VALUE"),
        ("accuracy=much", "accuracy must be a number, found the string 'much'"),
        ("accuracy=nan", "accuracy must be a finite number"),
        ("accuracy=2", "accuracy must be from 0 to 1"),
        ("memory=60XB", "memory must be a size such as 60KiB"),
        ("accuracy=0.1,memory=1kB,accuracy=0.2", "names accuracy twice"),
    ],
)
def test_a_reference_that_cannot_be_is_one_sentence(run: Run, filled: str, text: str, words: str) -> None:
    ended = run("pareto", "--reference", text, "--database", filled)
    assert ended.code == 2
    assert ended.err.startswith("error: --reference ")
    assert words in ended.err
    assert ended.err.count("\n") == 1


def test_the_front_of_another_fidelity(run: Run, filled: str) -> None:
    found = json.loads(run("pareto", "--epochs", "3", "-o", "json", "--database", filled).out)
    assert {point["fidelity"] for point in found["points"]} == {3} == {found["fidelity"]}
    ended = run("pareto", "--epochs", "4", "--database", filled)
    assert ended.code == 2
    assert ended.err == "error: --epochs 4 is no fidelity of the study synthetic: choose one of 3, 9, 27\n"
