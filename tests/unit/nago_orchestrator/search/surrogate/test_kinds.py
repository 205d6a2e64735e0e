from __future__ import annotations

import json

import numpy as np
import pytest

from nago_orchestrator.search.surrogate import held_out
from nago_orchestrator.search.surrogate.kinds import fit_gaussian


@pytest.mark.slow
def test_the_notes_of_a_gaussian_process_are_json_and_say_how_it_foretells_each_objective() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((30, 2))
    costs = np.column_stack([np.sin(4 * points[:, 0]), points[:, 1] + rng.normal(0, 0.1, 30)])
    fits = [fit_gaussian(points, costs, np.ones(30), 3).notes for _ in range(2)]
    assert fits[0] == fits[1]
    notes = json.loads(json.dumps(fits[0]))
    assert notes["good"]
    assert {"model", "noise_deviation", "noise_slope", "length_scales"} <= notes.keys()
    assert len(notes["objectives"]) == 2
    assert all(0.7 <= own["coverage_90"] <= 1.0 for own in notes["objectives"])


def test_one_objective_with_a_problem_makes_the_fit_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "LEAST_COVERAGE_90", 1.1)  # no history is known whose every fit is bad
    points = np.linspace(0, 1, 24)[:, None]
    notes = fit_gaussian(points, np.sin(points), np.ones(24), 0).notes
    assert not notes["good"]
    assert "left out in turn" in notes["objectives"][0]["problem"]
