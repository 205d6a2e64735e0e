"""How the hypervolume grew, over evaluations and over what they cost."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.rows import AttemptRow, EvaluationRow
from nago_orchestrator.evaluation.front import MeasuredFront, measure_front
from nago_orchestrator.evaluation.generator_results import merge_generators
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.figures.failures import seconds
from nago_orchestrator.report.figures.hypervolume_history import Growth, is_compared, non_dominated_points
from nago_orchestrator.report.figures.phase_front import compared_rows
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.style import dress, objective_axis, padded, phase_colour, phase_label

TITLE = "Hypervolume"
READING = (
    "Hypervolume of the front at {epochs} after each evaluation of the search, as a share of the final one: over "
    "the number of evaluations, and over the {cost} of all attempts that had ended by then. The axis begins at the "
    "first point that is better than the reference point."
)
MOST_ROWS = 40
"""Of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """In which the time is told."""

    name: str
    seconds: float


_UNITS = (_Unit(name="hours", seconds=3600), _Unit(name="minutes", seconds=60), _Unit(name="seconds", seconds=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    evaluation: int
    proposal: int
    phase: int
    seconds: float
    volume: float
    gain: float


def volume(
    evaluations: Sequence[EvaluationRow],
    attempts: Sequence[AttemptRow],
    objectives: Sequence[Objective],
    phases: Sequence[str],
    fidelity: int | None,
) -> Panel | None:
    """From evaluations of the search in evaluation order; None for a single objective."""
    if len(objectives) < 2:
        return None
    known = compared_rows(merge_generators(evaluations, objectives, fidelity), objectives, fidelity)
    costs = [[item.cost(row.objective_values[item.name]) for item in objectives] for row in known]
    measured = measure_front(non_dominated_points(costs), objectives)
    if not known or measured is None:
        missing = "No evaluation has a value of every objective yet."
        return Panel(key="hypervolume", title=TITLE, reading="", figure=None, note=missing)
    gpu = any(row.gpu_seconds for row in attempts)
    growth = Growth(objectives, measured.reference)
    steps = _steps(evaluations, growth, fidelity, _times(evaluations, attempts, gpu=gpu))
    unit = _unit(steps)
    cost = f"GPU {unit.name}" if gpu else f"{unit.name} of trials"
    return Panel(
        key="hypervolume",
        title=TITLE,
        reading=READING.format(epochs=counted(fidelity or 0, "epoch"), cost="GPU time" if gpu else "time"),
        figure=_figure(steps, phases, unit, cost) if steps[-1].volume else None,
        note=_note(measured, objectives),
        table=_table(steps, phases, unit, cost),
    )


def _note(measured: MeasuredFront, objectives: Sequence[Objective]) -> str:
    if not measured.hypervolume:
        return "No evaluation is better than the reference point in every objective: the hypervolume is 0."
    names = " × ".join(str(objective_axis(objective.name)["title_text"]) for objective in objectives)
    part = "" if measured.share is None else f": {quantities.percent(measured.share)} of the largest possible"
    return f"The final hypervolume is {_figures(measured.hypervolume)}, in {names}{part}."


def _unit(steps: Sequence[_Step]) -> _Unit:
    """The largest of which there are at least two."""
    longest = max((step.seconds for step in steps), default=0.0)
    return next((unit for unit in _UNITS if longest >= 2 * unit.seconds), _UNITS[-1])


def _steps(
    evaluations: Sequence[EvaluationRow], growth: Growth, fidelity: int | None, times: Sequence[float]
) -> list[_Step]:
    """One for each evaluation; only those of the fidelity that is compared can add something."""
    steps: list[_Step] = []
    reached = 0.0
    for row, spent in zip(evaluations, times, strict=True):
        before = reached
        reached = growth.tell(row) if is_compared(row, fidelity) else before
        steps.append(
            _Step(
                evaluation=row.evaluation,
                proposal=row.proposal,
                phase=row.phase,
                seconds=spent,
                volume=reached,
                gain=reached - before,
            )
        )
    return steps


def _times(evaluations: Sequence[EvaluationRow], attempts: Sequence[AttemptRow], *, gpu: bool) -> list[float]:
    """What all attempts that had ended when an evaluation was told had cost, in seconds."""
    ended = sorted((row.ended_at, _spent(row, gpu=gpu)) for row in attempts if row.ended_at)
    moments = [moment for moment, _ in ended]
    total = [0.0, *accumulate(cost for _, cost in ended)]
    return [total[bisect_right(moments, row.evaluated_at)] for row in evaluations]


def _spent(row: AttemptRow, *, gpu: bool) -> float:
    return (row.gpu_seconds if gpu else seconds(row)) or 0.0


def _figure(steps: Sequence[_Step], phases: Sequence[str], unit: _Unit, cost: str) -> go.Figure:
    """Of steps of which the last one has a volume."""
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.03)
    dress(figure, height=400)
    previous: list[_Step] = []
    for phase, group in groupby(steps, key=lambda step: step.phase):
        part = list(group)
        for column in (1, 2):
            trace = _line([*previous[-1:], *_corners(part)], phase, phases, steps[-1].volume)
            if column == 2:
                trace.update(x=[step.seconds / unit.seconds for step in (*previous[-1:], *_corners(part))])
            figure.add_trace(trace.update(showlegend=column == 1), row=1, col=column)
        previous = part
    figure.update_yaxes(title_text="share of the final hypervolume", col=1)
    figure.update_yaxes(tickformat="~%", range=_span(steps))
    figure.update_xaxes(title_text="evaluations", col=1)
    figure.update_xaxes(title_text=cost, rangemode="nonnegative", col=2)
    return figure


def _span(steps: Sequence[_Step]) -> list[float]:
    """From the lowest share that is above 0; from 0 where it is the only one."""
    shares = [step.volume / steps[-1].volume for step in steps if step.volume]
    return padded(min(shares) if min(shares) < max(shares) else 0.0, max(shares))


def _corners(steps: Sequence[_Step]) -> list[_Step]:
    """Where the line rises or falls, and its ends."""
    return [step for step in steps if step.gain or step in (steps[0], steps[-1])]


def _line(steps: Sequence[_Step], phase: int, phases: Sequence[str], final: float) -> go.Scatter:
    """Over the number of evaluations."""
    return go.Scatter(
        x=[step.evaluation + 1 for step in steps],
        y=[step.volume / final for step in steps],
        customdata=[[step.evaluation + 1, step.proposal, _figures(step.volume)] for step in steps],
        mode="lines" if len(steps) > 1 else "markers",
        name=phase_label(phase, phases),
        legendgroup=str(phase),
        line={"color": phase_colour(phase), "width": 2, "shape": "hv"},
        hovertemplate="evaluation %{customdata[0]}, proposal %{customdata[1]}<br>"
        "<b>%{y:.2%}</b>, %{customdata[2]}<extra></extra>",
    )


def _table(steps: Sequence[_Step], phases: Sequence[str], unit: _Unit, cost: str) -> TextTable:
    """Where it grew, and how it ended."""
    grown = [step for step in steps if step.gain or step is steps[-1]]
    return TextTable(
        header=("evaluation", "proposal", "phase", cost, "hypervolume", "gain"),
        rows=tuple(
            (
                str(step.evaluation + 1),
                str(step.proposal),
                phase_label(step.phase, phases),
                f"{step.seconds / unit.seconds:.2f}",
                _figures(step.volume),
                _figures(step.gain),
            )
            for step in evenly(grown, MOST_ROWS)
        ),
    )


def _figures(volume: float) -> str:
    return quantities.count(volume) if volume >= 1000 else quantities.number(volume)
