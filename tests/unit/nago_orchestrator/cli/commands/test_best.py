"""best and pareto: what they say of a study beyond its rows."""

from __future__ import annotations

import csv
import json
import sys
from io import StringIO
from pathlib import Path

import pytest

from benchmarks.synthetic_study import fill
from nago_orchestrator.cli.output.posterior import verdict
from nago_orchestrator.evaluation.generator_results import Found
from nago_orchestrator.search.posterior import GeneratorPosterior
from tests.command_line import Run
from tests.rows import evaluation_row


@pytest.mark.slow
def test_a_generator_that_was_evaluated_again_has_mean_and_spread(run: Run, tmp_path: Path, modelled_file: str) -> None:
    url = str(tmp_path / "again.sqlite")
    # A range so narrow that its few values come again and again.
    fill(
        url,
        78,
        study_file=modelled_file.replace("top_nodes: 5", "top_nodes: {low: 5, high: 6}").replace(
            "{low: 0.1, high: 0.9}", "0.5"
        ),
    )
    generator = json.loads(run("best", "-o", "json", "--database", url).out)["generator"]
    assert len(generator["proposals"]) == generator["networks"] > 1
    assert generator["deviation"] > 0
    shown = run("best", "--database", url).out
    assert f"over {generator['networks']} networks, evaluated {generator['networks']} times" in shown


def test_a_generator_that_was_sampled_once_has_no_spread(run: Run, filled: str) -> None:
    assert "spread" not in run("best", "--database", filled).out


def test_the_posterior_ranks_all_generators_and_names_its_choice(run: Run, modelled: str) -> None:
    found = json.loads(run("best", "--posterior", "-o", "json", "--database", modelled).out)
    rows = found["generators"]
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, 6]
    means = [row["posterior_mean"] for row in rows]
    assert means == sorted(means, reverse=True)
    assert found["chosen"] == rows[0]["proposal"]
    assert found["observed_best"] == max(rows, key=lambda row: float(row["observed"]))["proposal"]
    assert found["differs"] is (found["chosen"] != found["observed_best"])
    assert all(row["epistemic"] > 0 and row["aleatoric"] > 0 for row in rows)


def test_the_table_ends_with_the_verdict_and_the_theta(run: Run, modelled: str) -> None:
    shown = run("best", "--posterior", "--database", modelled)
    chosen = json.loads(run("best", "--posterior", "-o", "json", "--database", modelled).out)["chosen"]
    assert f"best posterior mean: proposal {chosen}, accuracy" in shown.out
    assert "the observed best" in shown.out
    assert f"theta of proposal {chosen}" in shown.out
    rows = list(csv.DictReader(StringIO(run("best", "--posterior", "-o", "csv", "--database", modelled).out)))
    assert len(rows) == 6


def test_the_best_is_the_same_one_everywhere_and_on_the_front(run: Run, filled: str) -> None:
    best = json.loads(run("best", "-o", "json", "--database", filled).out)
    status = json.loads(run("status", "-o", "json", "--database", filled).out)
    front = json.loads(run("pareto", "-o", "json", "--database", filled).out)
    assert best["proposal"] == status["best"]["proposal"] == front["points"][0]["proposal"]


def test_too_few_evaluations_are_one_sentence(run: Run, filled: str) -> None:
    ended = run("best", "--posterior", "--database", filled)
    assert ended.code == 3
    assert ended.err == (
        "error: a surrogate needs 10 evaluations at one fidelity (searched hyperparameters + 2), and the study has 3\n"
    )


def test_a_missing_extra_is_one_sentence(run: Run, modelled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nago_orchestrator.search.surrogate.gaussian_process", None)
    monkeypatch.delitem(sys.modules, "nago_orchestrator.search.surrogate.kinds", raising=False)  # imported anew
    ended = run("best", "--posterior", "--database", modelled)
    assert ended.code == 2
    assert "pip install 'nago-orchestrator[mobo]'" in ended.err


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ((0.9, 0.9), "; it equals the observed best (proposal 1)"),
        ((0.8, 0.9), "; observed best: proposal 1, observed 90.00 %, predicted 85.00 %"),
    ],
)
def test_the_verdict_names_the_observed_best_of_the_command_best(seen: tuple[float, float], words: str) -> None:
    chosen, best = (
        GeneratorPosterior(
            found=Found(evaluations=(evaluation_row(proposal),), values=()),
            observed=observed,
            mean=0.85,
            epistemic=0.1,
            aleatoric=0.1,
        )
        for proposal, observed in enumerate(seen)
    )
    assert verdict("accuracy", chosen, best).endswith(words)
    assert verdict("accuracy", best, best).endswith("; it is also the observed best")


@pytest.mark.slow
def test_a_bayesian_network_answers_twice_alike(run: Run, tmp_path: Path, modelled_file: str) -> None:
    url = str(tmp_path / "network.sqlite")
    fill(url, 78, study_file=modelled_file.replace("gaussian-process", "network"))
    first, second = (run("best", "--posterior", "-o", "json", "--database", url).out for _ in range(2))
    assert first == second
    assert len(json.loads(first)["generators"]) == 6
