"""Predicted versus observed: the surrogate's prediction for each theta when it chose it, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.statistics import spearman, spearman_interval
from nago_orchestrator.report.study_report import finite_value
from nago_orchestrator.report.style import (
    MUTED,
    around,
    dress,
    focus,
    joined,
    objective_axis,
    outside,
    phase_colour,
)

TITLE = "Predicted versus observed"
READING = (
    "Each point is one theta that the surrogate chose: the prediction, made before any evaluation of that batch, "
    "versus the observed value. The bars are 90 % prediction intervals: nine in ten should cross the diagonal. All "
    "thetas were chosen for good predictions, and are therefore harder to rank than random ones."
)
MOST_ROWS = 60
_NINE_TENTHS = 1.6449
"""Standard deviations of a normal distribution on each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """In the objective's units."""

    proposal: int
    phase: int
    predicted: float
    deviation: float
    """Epistemic and aleatoric together, of a mean over as many networks as were trained."""
    observed: float

    @property
    def half_width(self) -> float:
        return _NINE_TENTHS * self.deviation

    @property
    def lower_arm(self) -> float:
        """As drawn: no objective is negative."""
        return max(min(self.half_width, self.predicted), 0.0)

    @property
    def is_inside(self) -> bool:
        return abs(self.observed - self.predicted) <= self.half_width


def predictions_of(
    evaluations: Sequence[EvaluationRow], objectives: Sequence[Objective], place: int
) -> list[Prediction]:
    """Of the objective at that place; from notes with `prediction`: of each learnt objective its place (`objective`),
    the `mean` of its cost, and the deviations `epistemic` and `aleatoric`, in its own units."""
    objective = objectives[place]
    turned = -1.0 if objective.goal is Goal.MAXIMIZE else 1.0
    found = []
    for row in evaluations:
        observed = finite_value(row, objective.name)
        for item in (row.notes or {}).get("prediction", ()):
            if observed is not None and item["objective"] == place:
                found.append(
                    Prediction(
                        proposal=row.proposal,
                        phase=row.phase,
                        predicted=turned * item["mean"],
                        deviation=math.hypot(item["epistemic"], item["aleatoric"] / math.sqrt(row.samples)),
                        observed=observed,
                    )
                )
    return found


def predictions(evaluations: Sequence[EvaluationRow], objectives: Sequence[Objective]) -> Panel | None:
    """None where no proposal has a prediction in its notes."""
    found = [
        (objective, known)
        for place, objective in enumerate(objectives)
        if (known := predictions_of(evaluations, objectives, place))
    ]
    if not found:
        return None
    figure, left_out = _figure(found)
    return Panel(
        key="predictions",
        title=TITLE,
        reading=READING,
        figure=figure,
        note=joined(
            *(judgement(objective, known) for objective, known in found),
            outside(left_out, "an axis") if left_out else None,
        ),
        table=_table(found),
    )


_ByObjective = Sequence[tuple[Objective, list[Prediction]]]


def judgement(objective: Objective, known: Sequence[Prediction]) -> str:
    """One sentence: whether the predictions rank the thetas."""
    name, many = objective.name, len(known)
    rank = spearman([one.predicted for one in known], [one.observed for one in known])
    if rank is None:
        return f"No rank correlation for {name}: {counted(many, 'theta')} are too few, or their values are equal."
    interval = spearman_interval(rank, many)
    figures = f"rank correlation {rank:.2f} over {many:,}"
    if interval:
        figures += f", 95 % interval {interval[0]:.2f} to {interval[1]:.2f}"
    if rank >= 1 or (interval and interval[0] > 0):
        return f"The predictions of {name} rank these thetas better than chance: {figures}."
    if rank <= 0:
        return f"The predictions of {name} do not rank these thetas: {figures}."
    return f"Too few thetas to say whether the predictions of {name} rank them: {figures}."


def _figure(found: _ByObjective) -> tuple[go.Figure, int]:
    titles = [_title(objective.name, known) for objective, known in found]
    figure = make_subplots(rows=1, cols=len(found), subplot_titles=titles, horizontal_spacing=0.1)
    dress(figure, height=430)
    figure.update_layout(showlegend=False, margin_t=60)
    figure.update_annotations(font_size=13)
    left_out = 0
    for column, (objective, known) in enumerate(found, start=1):
        figure.add_trace(_diagonal(known), row=1, col=column)
        figure.add_trace(_points(known), row=1, col=column)
        axis = objective_axis(objective.name)
        observed = [one.observed for one in known]
        for side, update, values, limits in (
            ("predicted", figure.update_xaxes, [one.predicted for one in known], None),
            ("observed", figure.update_yaxes, observed, around(observed)),
        ):
            span, beyond = focus([values], objective.goal)
            left_out += beyond
            update(**{**axis, "title_text": f"{side} {axis['title_text']}"}, range=span or limits, col=column)
    return figure, left_out


def _diagonal(known: Sequence[Prediction]) -> go.Scatter:
    values = [value for one in known for value in (one.predicted, one.observed)]
    ends = [min(values), max(values)]
    return go.Scatter(x=ends, y=ends, mode="lines", line={"color": MUTED, "width": 1, "dash": "dash"}, hoverinfo="skip")


def _title(name: str, known: Sequence[Prediction]) -> str:
    inside = sum(one.is_inside for one in known)
    rank = spearman([one.predicted for one in known], [one.observed for one in known])
    return f"{name}: {inside} of {len(known)} in 90 %" + ("" if rank is None else f", ρ = {rank:.2f}")


def _points(known: Sequence[Prediction]) -> go.Scatter:
    return go.Scatter(
        x=[one.predicted for one in known],
        y=[one.observed for one in known],
        error_x={
            "array": [one.half_width for one in known],
            "arrayminus": [one.lower_arm for one in known],
            "width": 0,
            "thickness": 1,
            "color": "#c5cdd5",
        },
        customdata=[[one.proposal, one.half_width] for one in known],
        mode="markers",
        marker={"color": [phase_colour(one.phase) for one in known], "size": 7},
        hovertemplate="proposal %{customdata[0]}<br>predicted %{x:.4g} ± %{customdata[1]:.2g}<br>"
        "observed <b>%{y:.4g}</b><extra></extra>",
    )


def _table(found: _ByObjective) -> TextTable:
    rows = [(objective.name, one) for objective, known in found for one in known]
    return TextTable(
        header=("proposal", "objective", "predicted", "standard deviation", "observed", "in 90 %"),
        rows=tuple(
            (
                str(one.proposal),
                name,
                quantities.objective(name, one.predicted),
                quantities.objective(name, one.deviation),
                quantities.objective(name, one.observed),
                "yes" if one.is_inside else "no",
            )
            for name, one in evenly(rows, MOST_ROWS)
        ),
    )
