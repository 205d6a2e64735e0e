"""How the hypervolume grew, over evaluations and over what they cost."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain import Objective
from nago_orchestrator.front import reference_point
from nago_orchestrator.pareto import hypervolume, non_dominated
from nago_orchestrator.report import quantities
from nago_orchestrator.report.failures import instant, seconds
from nago_orchestrator.report.panel import Panel, Row, TextTable
from nago_orchestrator.report.phase_front import compared_rows
from nago_orchestrator.report.style import dress, evenly, phase_colour, phase_label

TITLE = "Hypervolume"
READING = (
    "What the front at {epochs} epochs dominates within the reference point, after each evaluation of the search: over "
    "their number, and over the {cost} of all attempts that had ended by then."
)
MOST_ROWS = 40
"""Of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    evaluation: int
    proposal: int
    phase: int
    hours: float
    volume: float
    gain: float


def volume(
    evaluations: Sequence[Row],
    attempts: Sequence[Row],
    objectives: Sequence[Objective],
    phases: Sequence[str],
    fidelity: int | None,
) -> Panel | None:
    """From evaluations of the search in told order; None for a single objective."""
    if len(objectives) < 2:
        return None
    known = compared_rows(evaluations, objectives, fidelity)
    costs = [[item.cost(row["objective_values"][item.name]) for item in objectives] for row in known]
    reference = reference_point(costs, objectives)
    if not known or reference is None:
        missing = "No evaluation has a value of every objective yet."
        return Panel(key="hypervolume", title=TITLE, reading=READING, figure=None, note=missing)
    gpu = any(row.get("gpu_seconds") for row in attempts)
    by_number = {row["evaluation"]: cost for row, cost in zip(known, costs, strict=True)}
    steps = _steps(evaluations, by_number, reference, _hours(evaluations, attempts, gpu=gpu))
    names = " × ".join(objective.name for objective in objectives)
    none = "No evaluation is better than the reference point in every objective: the hypervolume is 0."
    return Panel(
        key="hypervolume",
        title=TITLE,
        reading=READING.format(epochs=fidelity, cost="GPU time" if gpu else "time"),
        figure=_figure(steps, phases, names, "GPU-hours" if gpu else "hours of trials"),
        note=None if steps[-1].volume else none,
        table=_table(steps, phases, "GPU-hours" if gpu else "hours of trials"),
    )


def _steps(
    evaluations: Sequence[Row], costs: Mapping[int, Sequence[float]], reference: Sequence[float], hours: Sequence[float]
) -> list[_Step]:
    """One for each evaluation; only those of the fidelity that is compared, in `costs`, can add something."""
    front: list[Sequence[float]] = []
    steps: list[_Step] = []
    reached = 0.0
    for row, spent in zip(evaluations, hours, strict=True):
        before, cost = reached, costs.get(row["evaluation"])
        if cost is not None and all(own < worst for own, worst in zip(cost, reference, strict=True)):
            known = [*front, cost]
            front = [point for point, best in zip(known, non_dominated(known), strict=True) if best]
            reached = hypervolume(front, reference)
        steps.append(
            _Step(
                evaluation=row["evaluation"],
                proposal=row["proposal"],
                phase=row.get("phase") or 0,
                hours=spent,
                volume=reached,
                gain=reached - before,
            )
        )
    return steps


def _hours(evaluations: Sequence[Row], attempts: Sequence[Row], *, gpu: bool) -> list[float]:
    """What all attempts that had ended when an evaluation was told had cost; not a number where that is not known."""
    ended = sorted((instant(row["ended_at"]), _spent(row, gpu=gpu)) for row in attempts if row.get("ended_at"))
    moments = [moment for moment, _ in ended]
    total = [0.0, *accumulate(cost for _, cost in ended)]
    told = [row.get("told_at") for row in evaluations]
    return [math.nan if moment is None else total[bisect_right(moments, instant(moment))] / 3600 for moment in told]


def _spent(row: Row, *, gpu: bool) -> float:
    return float((row.get("gpu_seconds") if gpu else seconds(row)) or 0.0)


def _figure(steps: Sequence[_Step], phases: Sequence[str], names: str, cost: str) -> go.Figure:
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.03)
    dress(figure, height=400)
    previous: list[_Step] = []
    for phase, group in groupby(steps, key=lambda step: step.phase):
        part = list(group)
        for column in (1, 2):
            trace = _line([*previous[-1:], *_corners(part)], phase, phases, over_hours=column == 2)
            figure.add_trace(trace.update(showlegend=column == 1), row=1, col=column)
        previous = part
    figure.update_yaxes(title_text=f"hypervolume ({names})", col=1)
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title_text="evaluations", col=1)
    figure.update_xaxes(title_text=cost, col=2)
    return figure


def _corners(steps: Sequence[_Step]) -> list[_Step]:
    """Where the line rises, and its ends."""
    return [step for step in steps if step.gain > 0 or step in (steps[0], steps[-1])]


def _line(steps: Sequence[_Step], phase: int, phases: Sequence[str], *, over_hours: bool) -> go.Scatter:
    return go.Scatter(
        x=[step.hours if over_hours else step.evaluation + 1 for step in steps],
        y=[step.volume for step in steps],
        customdata=[[step.evaluation + 1, step.proposal] for step in steps],
        mode="lines" if len(steps) > 1 else "markers",
        name=phase_label(phase, phases),
        legendgroup=str(phase),
        line={"color": phase_colour(phase), "width": 2, "shape": "hv"},
        hovertemplate="evaluation %{customdata[0]}, proposal %{customdata[1]}<br><b>%{y:.5g}</b><extra></extra>",
    )


def _table(steps: Sequence[_Step], phases: Sequence[str], cost: str) -> TextTable:
    """Where it grew, and how it ended."""
    grown = [step for step in steps if step.gain > 0 or step is steps[-1]]
    return TextTable(
        header=("evaluation", "proposal", "phase", cost, "hypervolume", "gain"),
        rows=tuple(
            (
                str(step.evaluation + 1),
                str(step.proposal),
                phase_label(step.phase, phases),
                "-" if math.isnan(step.hours) else f"{step.hours:.3f}",
                _figures(step.volume),
                _figures(step.gain),
            )
            for step in evenly(grown, MOST_ROWS)
        ),
    )


def _figures(volume: float) -> str:
    return quantities.count(volume) if volume >= 1000 else quantities.number(volume)
