from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.report.figures.study_summary import study_facts
from nago_orchestrator.report.study_report import StudyReport

BOTH = (
    Objective(name="accuracy", goal=Goal.MAXIMIZE),
    Objective(name="memory", goal=Goal.MINIMIZE),
)


def with_memory(row: EvaluationRow, memory: float) -> EvaluationRow:
    return replace(row, objective_values={**row.objective_values, "memory": memory})


def test_a_warm_start_is_a_fact(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(6)
    assert "Warm start" not in dict(study_facts(report))
    warm = replace(report, study=replace(report.study, prior=14), warm_start=("digits-first",))
    assert dict(study_facts(warm))["Warm start"] == "14 evaluations of digits-first"


def test_the_best_is_no_dominated_generator(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(12)
    assert report.best is not None
    best = next(row for row in report.evaluations if row.proposal == report.best.proposal)
    theta = {**best.theta, "top_nodes": best.theta["top_nodes"] + 1}
    twin = replace(best, proposal=500, theta=theta, canonical_theta=theta)
    for memory, expected in ((99.0, 500), (101.0, best.proposal)):
        rows = [*(with_memory(row, 100.0) for row in report.evaluations), with_memory(twin, memory)]
        changed = replace(report, evaluations=rows, objectives=BOTH)
        assert changed.best is not None
        assert changed.best.proposal == expected
