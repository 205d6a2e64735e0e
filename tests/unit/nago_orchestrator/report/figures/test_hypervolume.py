from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import AttemptRow, EvaluationRow
from nago_orchestrator.report.figures.hypervolume import volume
from nago_orchestrator.report.panel import Panel
from tests.rows import attempt_row, evaluation_row

ERROR = Objective(name="error", goal=Goal.MINIMIZE, reference=1.0)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE, reference=10.0)
START = datetime(2026, 3, 1, tzinfo=UTC)
POINTS = [(0.5, 5.0, 4, 0), (0.1, 1.0, 2, 0), (0.6, 6.0, 4, 0), (0.5, 3.0, 4, 1), (2.0, 1.0, 4, 1)]
"""Error, memory, fidelity, phase. The second is of another fidelity, the last beyond the reference."""


def evaluations() -> list[EvaluationRow]:
    return [
        evaluation_row(
            number,
            fidelity=fidelity,
            phase=phase,
            evaluated_at=START + timedelta(hours=number + 1),
            objective_values={"error": error, "memory": memory},
        )
        for number, (error, memory, fidelity, phase) in enumerate(POINTS)
    ]


def attempts(gpu_seconds: float = 0.0) -> list[AttemptRow]:
    ended = [START + timedelta(hours=number + 1) for number in range(5)]
    return [
        attempt_row(started_at=end - timedelta(hours=0.5), ended_at=end, gpu_seconds=gpu_seconds)
        for end in reversed(ended)
    ]


def curve(panel: Panel | None, axis: str) -> list[tuple[float, float]]:
    assert panel is not None
    assert panel.figure is not None
    return [point for trace in panel.figure.data if trace.xaxis == axis for point in zip(trace.x, trace.y, strict=True)]


def test_it_grows_with_what_is_better_at_the_compared_fidelity() -> None:
    panel = volume(evaluations(), attempts(), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert [x for x, _ in curve(panel, "x")] == [1, 3, 3, 4, 5]
    assert [y for _, y in curve(panel, "x")] == pytest.approx([2.5 / 3.5, 2.5 / 3.5, 2.5 / 3.5, 1.0, 1.0])
    assert panel is not None
    assert panel.note == (
        "The final hypervolume is 3.5, in error × memory (bytes per sample): 35.00 % of the largest possible."
    )


def test_a_generator_that_is_evaluated_again_counts_with_its_mean() -> None:
    rows = evaluations()
    rows.append(replace(rows[3], evaluation=5, objective_values={"error": 0.7, "memory": 3.0}, samples=3))
    rows.append(replace(rows[3], evaluation=6, objective_values={"error": float("nan"), "memory": 3.0}))
    panel = volume(rows, attempts(), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert panel is not None
    assert panel.table is not None
    assert [row[-2] for row in panel.table.rows] == ["2.5", "3.5", "3.2", "2.5"]


def test_the_axis_begins_at_the_first_share_so_that_growth_is_seen() -> None:
    panel = volume(evaluations(), attempts(), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert panel is not None
    assert panel.figure is not None
    low, high = panel.figure.layout.yaxis.range
    assert 0.65 < low < 2.5 / 3.5
    assert 1.0 < high < 1.05
    alone = volume(evaluations()[:2], attempts(), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert alone is not None
    assert alone.figure is not None
    assert alone.figure.layout.yaxis.range[0] < 0


@pytest.mark.parametrize(("share", "unit", "end"), [(1, "hours", 2.5), (1 / 60, "minutes", 2.5), (1e-3, "seconds", 9)])
def test_the_unit_of_time_fits_the_search(share: float, unit: str, end: float) -> None:
    short = [replace(row, started_at=row.ended_at - timedelta(hours=0.5 * share)) for row in attempts() if row.ended_at]
    panel = volume(evaluations(), short, (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert [x for x, _ in curve(panel, "x2")][-1] == pytest.approx(end)
    assert panel is not None
    assert panel.figure is not None
    assert panel.figure.layout.xaxis2.title.text == f"{unit} of trials"
    assert panel.table is not None
    assert f"{unit} of trials" in panel.table.header


def test_the_hours_are_those_of_all_attempts_until_then() -> None:
    panel = volume(evaluations(), attempts(), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert [x for x, _ in curve(panel, "x2")] == pytest.approx([0.5, 1.5, 1.5, 2.0, 2.5])
    assert panel is not None
    assert panel.table is not None
    assert "hours of trials" in panel.table.header


def test_gpu_hours_count_where_there_are_any() -> None:
    panel = volume(evaluations(), attempts(gpu_seconds=7200), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert [x for x, _ in curve(panel, "x2")][-1] == pytest.approx(10.0)
    assert panel is not None
    assert "GPU time" in panel.reading


def test_the_table_has_each_growth_and_the_end() -> None:
    panel = volume(evaluations(), attempts(), (ERROR, MEMORY), ("bohb", "mobo"), 4)
    assert panel is not None
    assert panel.table is not None
    assert [row[0] for row in panel.table.rows] == ["1", "4", "5"]
    assert [row[-2] for row in panel.table.rows] == ["2.5", "3.5", "3.5"]


def test_a_reference_that_nothing_beats_is_said() -> None:
    strict = Objective(name="error", goal=Goal.MINIMIZE, reference=0.01)
    panel = volume(evaluations(), attempts(), (strict, MEMORY), ("bohb", "mobo"), 4)
    assert panel is not None
    assert "hypervolume is 0" in str(panel.note)
    assert panel.figure is None


def test_one_objective_has_none_and_an_empty_study_has_words() -> None:
    assert volume(evaluations(), attempts(), (ERROR,), ("bohb",), 4) is None
    panel = volume([], [], (ERROR, MEMORY), ("bohb",), None)
    assert panel is not None
    assert panel.figure is None
    assert panel.note
