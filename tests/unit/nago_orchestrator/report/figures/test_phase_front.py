from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import GeneratorRow
from nago_orchestrator.report.figures import phase_front as module
from nago_orchestrator.report.figures.phase_front import FrontRows, compared_rows, phase_front
from nago_orchestrator.report.panel import Panel
from tests.rows import final_training, fully_trained, generator_row

ERROR = Objective(name="error", goal=Goal.MINIMIZE, reference=0.5)
ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)
LOSS = Objective(name="loss", goal=Goal.MINIMIZE)
PHASES = ("bohb", "mobo")
POINTS = [(0.30, 100.0, 0), (0.20, 300.0, 0), (0.25, 90.0, 1), (0.40, 200.0, 1)]
"""Error, memory, phase; the last one is dominated, and the first one by the third."""


def made(points: list[tuple[float, float, int]]) -> list[GeneratorRow]:
    return [
        generator_row(
            number,
            phase=phase,
            objective_values={"error": error, "accuracy": 1 - error, "memory": memory, "loss": error},
        )
        for number, (error, memory, phase) in enumerate(points)
    ]


def shown(*objectives: Objective, trained: list[FinalTraining] | None = None) -> Panel:
    rows = FrontRows(evaluations=made(POINTS), objectives=objectives, phases=PHASES, trained=trained or [])
    panel = phase_front(rows)
    assert panel is not None
    return panel


def traces(panel: Panel) -> dict[Any, Any]:
    assert panel.figure is not None
    return {(trace.name, trace.mode, trace.marker.size): trace for trace in panel.figure.data}


def test_the_front_is_strong_the_rest_pale_each_in_its_phases_colour() -> None:
    found = traces(shown(ERROR, MEMORY))
    assert list(found["phase 1 bohb", "markers", 10].x) == [300.0]
    assert list(found["phase 1 bohb", "markers", 7].x) == [100.0]
    assert list(found["phase 2 mobo", "markers", 10].y) == [0.25]
    colours = {key: trace.marker.color for key, trace in found.items() if key[1] == "markers" and key[2] in (7, 10)}
    assert len(set(colours.values())) == 4


def test_each_phase_has_the_front_of_all_that_was_known_after_it() -> None:
    found = traces(shown(ERROR, MEMORY))
    assert list(found["front after phase 1 bohb", "lines", None].x) == [100.0, 300.0]
    assert list(found["front after phase 2 mobo", "lines", None].x) == [90.0, 300.0]


@pytest.mark.parametrize(("other", "shape"), [(MEMORY, "hv"), (ACCURACY, "vh")])
def test_the_line_bounds_what_is_dominated(other: Objective, shape: str) -> None:
    lines = [trace for key, trace in traces(shown(LOSS, other)).items() if key[1] == "lines"]
    assert {line.line.shape for line in lines} == {shape}


def test_the_table_has_the_front_by_the_first_objective_with_shares_of_the_hypervolume() -> None:
    table = shown(ERROR, MEMORY).table
    assert table is not None
    assert [row[0] for row in table.rows] == ["1", "2"]
    assert table.rows[1][1:5] == ("phase 2 mobo", "1", "25.00 %", "90 B/sample")
    assert all(0 < float(row[-1].removesuffix(" %")) < 100 for row in table.rows)


def trained(parent: int, epochs: int, *networks: tuple[float | None, int]) -> FinalTraining:
    trials = [fully_trained(validation_accuracy=accuracy, bytes_per_sample=memory) for accuracy, memory in networks]
    return final_training(parent, epochs, trials)


def test_generators_trained_in_full_are_stars_of_one_length_of_training() -> None:
    full = [
        trained(2, 30, (0.9, 80), (0.8, 100), (None, 10)),
        trained(1, 30, (0.7, 95)),
        trained(2, 2, (0.99, 1)),
        trained(3, 90, (None, 1)),
    ]
    panel = shown(ERROR, MEMORY, trained=full)
    stars = next(trace for key, trace in traces(panel).items() if key[0].startswith("final training"))
    assert list(stars.x) == [90.0, 95.0]
    assert list(stars.y) == pytest.approx([0.15, 0.3])
    assert list(stars.customdata[0])[:2] == ["proposal 2", "2 networks"]
    assert "of the final training (30 epochs)" in panel.reading
    assert "star" not in shown(ERROR, MEMORY).reading


def test_a_single_point_has_room_around_it() -> None:
    rows = FrontRows(evaluations=made([(0.3, 23792.0, 0)]), objectives=(ERROR, MEMORY), phases=PHASES)
    panel = phase_front(rows)
    assert panel is not None
    assert panel.figure is not None
    low, high = panel.figure.layout.xaxis.range
    assert low < 22_000
    assert high > 25_000
    assert "1 epochs" not in panel.reading


def test_the_words_are_of_what_is_drawn() -> None:
    far = Objective(name="memory", goal=Goal.MINIMIZE, reference=1e6)
    two, three, off = shown(ERROR, MEMORY), shown(ERROR, MEMORY, LOSS), shown(ERROR, far)
    assert ["line" in panel.reading for panel in (two, three, off)] == [True, False, True]
    assert ["cross" in panel.reading for panel in (two, three, off)] == [True, True, False]
    assert off.figure is not None
    assert [trace.showlegend for trace in off.figure.data if trace.name.startswith("reference")] == [False]


def test_a_reference_far_away_is_said_and_does_not_squeeze_the_picture() -> None:
    far = Objective(name="memory", goal=Goal.MINIMIZE, reference=1e6)
    panel = shown(ERROR, far)
    assert "reference point is outside the figure, at memory 1 MB/sample" in str(panel.note)
    assert panel.figure is not None
    assert panel.figure.layout.xaxis.range[1] < 1000
    near = shown(ERROR, MEMORY)
    assert near.note is None
    assert near.figure is not None
    assert near.figure.layout.yaxis.range[1] > 0.5


def test_dominated_points_are_thinned_openly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 1)  # thousands of points take seconds to draw
    panel = shown(ERROR, MEMORY)
    assert "At most 1 dominated points of each phase are shown" in str(panel.note)


def test_three_objectives_are_two_pictures_without_lines() -> None:
    panel = shown(ERROR, MEMORY, LOSS)
    assert panel.figure is not None
    assert {trace.xaxis for trace in panel.figure.data} == {"x", "x2"}
    assert not [trace for trace in panel.figure.data if trace.mode == "lines"]
    assert "may be on the front because of another one" in str(panel.note)
    named = [trace.name for trace in panel.figure.data if trace.showlegend is not False]
    assert len(named) == len(set(named))


def test_one_objective_has_no_front_and_no_evaluation_has_words() -> None:
    rows = FrontRows(evaluations=made(POINTS), objectives=(ERROR,), phases=PHASES)
    assert phase_front(rows) is None
    none = phase_front(FrontRows(evaluations=[], objectives=(ERROR, MEMORY), phases=PHASES))
    assert none is not None
    assert none.figure is None
    assert none.note


def test_only_the_compared_fidelity_and_finite_values_are_drawn() -> None:
    rows = made(POINTS)
    rows[0] = replace(rows[0], fidelity=8)
    rows[1] = replace(rows[1], objective_values={**rows[1].objective_values, "error": float("nan")})
    assert [row.proposal for row in compared_rows(rows, (ERROR, MEMORY), 4)] == [2, 3]
