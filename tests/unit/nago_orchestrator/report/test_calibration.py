from __future__ import annotations

from typing import Any

from nago_orchestrator.report.calibration import calibration, fittings


def fit(seed: int, problem: str | None = None, fits: int = 1) -> dict[str, Any]:
    own = {"r_hat": 1.1, "largest_r_hat": 1.4, "effective_samples": 50.0 + seed, "coverage_50": 0.6}
    objectives = [{**own, "coverage_90": 0.95, "problem": problem}]
    return {"good": problem is None, "fits": fits, "seed": seed, "objectives": objectives}


def row(proposal: int, surrogate: dict[str, Any] | None) -> dict[str, Any]:
    notes = {"design": "initial"} if surrogate is None else {"surrogate": surrogate, "evaluations": 10 + proposal}
    return {"proposal": proposal, "notes": notes}


BATCHES = [row(0, None), row(3, fit(2, "The chains diverged.", 2)), row(1, fit(1)), row(2, fit(1)), row(4, fit(3))]


def test_one_fit_for_each_batch_by_its_first_proposal() -> None:
    assert [(found.first_proposal, found.evaluations) for found in fittings(BATCHES)] == [(1, 11), (3, 13), (4, 14)]


def test_bad_fits_are_circled_and_said() -> None:
    panel = calibration(BATCHES, ("error",))
    assert panel is not None
    assert panel.figure is not None
    circles = [trace for trace in panel.figure.data if trace.marker.symbol == "circle-open"]
    assert {tuple(trace.x) for trace in circles} == {(3,)}
    assert "1 of 3 fits should not be trusted; the latest: The chains diverged." in str(panel.note)
    assert "1 of 3 fits were made again" in str(panel.note)


def test_the_table_names_each_objective_and_its_problem() -> None:
    panel = calibration(BATCHES, ("error",))
    assert panel is not None
    assert panel.table is not None
    assert panel.table.rows[1] == ("3", "13", "2", "error", "1.10", "52", "60%", "95%", "The chains diverged.")


def test_objectives_that_are_not_known_are_numbered() -> None:
    panel = calibration(BATCHES, ("error", "memory"))
    assert panel is not None
    assert panel.table is not None
    assert panel.table.rows[0][3] == "objective 1"


def test_an_objective_without_diagnostics_is_left_blank() -> None:
    nothing = {**fit(1), "objectives": [{"r_hat": None, "coverage_90": None, "problem": None}]}
    panel = calibration([row(0, nothing)], ("error",))
    assert panel is not None
    assert panel.table is not None
    assert panel.table.rows[0][4:8] == ("-", "-", "-", "-")


def test_a_search_without_such_a_surrogate_has_no_panel() -> None:
    process = {"model": "gaussian process", "length_scales": [[1.0]]}
    assert calibration([row(0, None), row(1, process), {"proposal": 2, "notes": None}, {"proposal": 3}], ()) is None
