from __future__ import annotations

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.report.figures.effects import effects
from nago_orchestrator.search.posterior import Effect, PosteriorEffects

ERROR = Objective(name="error", goal=Goal.MINIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)
OBJECTIVES = (ERROR, MEMORY)


def effect(hyperparameter: str, objective: str, *mean: float) -> Effect:
    at = tuple(float(place) for place in range(len(mean)))
    return Effect(hyperparameter=hyperparameter, objective=objective, at=at, mean=mean, deviation=(0.01,) * len(mean))


def found(count: int, problem: str | None = None) -> PosteriorEffects:
    made = [
        effect(f"h{number}", objective.name, 0.5, 0.4 - 0.1 * number, 0.45)
        for number in range(count)
        for objective in OBJECTIVES
    ]
    return PosteriorEffects(fidelity=4, evaluations=20, effects=tuple(made), problem=problem)


def test_a_picture_for_each_hyperparameter_and_objective_with_one_axis_for_each_objective() -> None:
    panel = effects(found(6), OBJECTIVES, None)
    assert panel is not None
    assert panel.figure is not None
    lines = [trace for trace in panel.figure.data if trace.fill is None]
    bands = [trace for trace in panel.figure.data if trace.fill == "toself"]
    assert (len(lines), len(bands)) == (12, 12)
    ranges = {tuple(panel.figure.layout[axis.replace("y", "yaxis")].range) for axis in {t.yaxis for t in lines}}
    assert len(ranges) == 1  # both objectives have the same values here
    assert "4 epochs (20 evaluations)" in panel.reading


def test_the_table_begins_with_what_matters_most_and_says_where_it_is_best() -> None:
    panel = effects(found(3), OBJECTIVES, None)
    assert panel is not None
    assert panel.table is not None
    assert [row[:2] for row in panel.table.rows[:3]] == [("error", "h2"), ("error", "h1"), ("error", "h0")]
    assert panel.table.rows[0][2:5] == ("30.00 %", "1", "20.00 %")


def test_a_bad_fit_is_said() -> None:
    panel = effects(found(1, "The chains diverged."), OBJECTIVES, None)
    assert panel is not None
    assert panel.note == "The fit is unreliable: The chains diverged."


def test_without_beliefs_the_panel_says_why_or_is_left_out() -> None:
    panel = effects(None, OBJECTIVES, "Not shown: too few.")
    assert panel is not None
    assert (panel.figure, panel.note) == (None, "Not shown: too few.")
    assert effects(None, OBJECTIVES, None) is None
