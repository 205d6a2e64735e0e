from __future__ import annotations

import json

import numpy as np
import pytest

from nago_orchestrator.search.surrogate.held_out import held_out_diagnostics


def test_each_objective_has_the_shares_within_its_intervals() -> None:
    calm, wild = held_out_diagnostics(np.array([[0.0, 3.0], [-0.5, -3.0], [1.0, 0.1], [1.7, 3.0]]))
    assert (calm["coverage_50"], calm["coverage_90"]) == (0.5, 0.75)
    assert (wild["coverage_50"], wild["coverage_90"]) == (0.25, 0.25)
    assert calm["held_out"]


def test_shares_of_a_normal_distribution_are_the_intervals_own() -> None:
    (found,) = held_out_diagnostics(np.random.default_rng(0).standard_normal((20_000, 1)))
    assert found["coverage_50"] == pytest.approx(0.5, abs=0.02)
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.02)
    assert found["problem"] is None


@pytest.mark.parametrize(("count", "outside", "bad"), [(20, 8, False), (20, 9, True), (19, 19, False)])
def test_intervals_that_are_far_too_narrow_are_a_problem_where_there_is_enough_to_judge_by(
    count: int, outside: int, bad: bool
) -> None:
    (found,) = held_out_diagnostics(np.array([[5.0]] * outside + [[0.0]] * (count - outside)))
    assert ("covers 55%" in str(found["problem"]), found["problem"] is None) == (bad, not bad)


def test_it_is_json() -> None:
    assert json.loads(json.dumps(held_out_diagnostics(np.zeros((3, 2)))))[1]["coverage_90"] == 1.0
