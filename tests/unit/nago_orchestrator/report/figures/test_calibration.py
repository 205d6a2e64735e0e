from __future__ import annotations

from typing import Any

from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.report.figures.calibration import calibration
from tests.rows import evaluation_row


def fit(seed: int, problem: str | None = None, fits: int = 1) -> dict[str, Any]:
    own = {"r_hat": 1.1, "effective_samples": 50.0 + seed, "overheated": 0.06, "coverage_50": 0.6}
    objectives = [{**own, "coverage_90": 0.95, "problem": problem}]
    return {"good": problem is None, "fits": fits, "seed": seed, "objectives": objectives}


def row(proposal: int, surrogate: dict[str, Any] | None) -> EvaluationRow:
    notes = {"design": "initial"} if surrogate is None else {"surrogate": surrogate, "evaluations": 10 + proposal}
    return evaluation_row(proposal, notes=notes)


BATCHES = [row(0, None), row(3, fit(2, "The chains diverged.", 2)), row(1, fit(1)), row(2, fit(1)), row(4, fit(3))]


def test_bad_fits_are_circled_and_said() -> None:
    panel = calibration(BATCHES, ("error",))
    assert panel is not None
    assert panel.figure is not None
    circles = [trace for trace in panel.figure.data if trace.marker.symbol == "circle-open"]
    assert {tuple(trace.x) for trace in circles} == {(3,)}
    assert "Unreliable: 1 of 3 fits, the latest because: The chains diverged." in str(panel.note)
    assert "Repeated because the first result was unreliable: 1 of 3 fits." in str(panel.note)


def test_the_table_names_each_objective_and_its_problem() -> None:
    panel = calibration(BATCHES, ("error",))
    assert panel is not None
    assert panel.table is not None
    assert panel.table.rows[1] == ("3", "13", "2", "error", "1.10", "52", "6%", "60%", "95%", "The chains diverged.")


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
    assert panel.table.rows[0][4:9] == ("-",) * 5


def process(covered: float) -> dict[str, Any]:
    own = {"held_out": True, "coverage_50": 0.5, "coverage_90": covered, "problem": None}
    return {"model": "gaussian process", "good": True, "length_scales": [[1.0]], "objectives": [own]}


def test_a_gaussian_process_shows_its_coverage_alone() -> None:
    panel = calibration([row(0, None), row(1, process(0.9)), row(2, process(0.8))], ("error",))
    assert panel is not None
    assert panel.figure is not None
    assert [annotation.text for annotation in panel.figure.layout.annotations] == ["coverage"]
    assert [trace.name for trace in panel.figure.data if trace.showlegend] == ["error"]
    assert "each predicted without itself" in panel.reading
    assert "R-hat" not in panel.reading
    assert panel.table is not None
    assert panel.table.rows[0] == ("1", "11", "1", "error", "-", "-", "-", "50%", "90%", "-")


def test_a_network_shows_all_of_it_and_says_what_it_knew() -> None:
    panel = calibration(BATCHES, ("error",))
    assert panel is not None
    assert panel.figure is not None
    titles = [annotation.text for annotation in panel.figure.layout.annotations]
    assert titles == ["R-hat", "effective sample size", "coverage"]
    assert "R-hat" in panel.reading
    assert "of which the model was fitted to" in panel.reading


def test_the_note_says_from_where_on_there_was_a_model_and_what_weakens_its_fits() -> None:
    weak = {**fit(1), "objectives": [{**fit(1)["objectives"][0], "effective_samples": 4.0}]}
    panel = calibration([row(0, None), row(1, weak)], ("error",))
    assert panel is not None
    assert panel.note == (
        "Proposal 1 is the first that a model made. Without a model: 0 (initial design). "
        "The table has warnings for 1 of 1 fit, the latest: small effective sample size: 4."
    )


def test_fits_without_diagnostics_have_words() -> None:
    old = {"model": "gaussian process", "length_scales": [[1.0]]}
    panel = calibration([row(0, None), row(1, old)], ("error",))
    assert panel is not None
    assert (panel.figure, panel.note) == (
        None,
        "Proposal 1 is the first that a model made. Without a model: 0 (initial design). No fit has diagnostics.",
    )


def test_a_search_without_a_surrogate_has_no_panel() -> None:
    assert calibration([evaluation_row(2), evaluation_row(4, notes={"a": 1})], ()) is None
