"""Optimisation history: every evaluation in evaluation order, and the best so far at the highest fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.generator_results import compared_fidelity
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.study_report import finite_value
from nago_orchestrator.report.style import (
    ACCENT,
    MOST_POINTS,
    MUTED,
    around,
    by_fidelity,
    epochs_label,
    fidelity_colours,
    fidelity_symbols,
    focus,
    joined,
    new_figure,
    outside,
    phase_label,
    whole_ticks,
)

FEW = 6
"""Evaluations below which the library would have ticks between them."""
READING = (
    "Each point is one evaluation, in evaluation order; darker means more epochs. "
    "The line is the best single evaluation so far at the compared fidelity."
)


def history(evaluations: Sequence[EvaluationRow], objective: Objective, phases: Sequence[str] = ("search",)) -> Panel:
    """From the search's evaluations: evaluation, proposal, fidelity, phase, outcome, origin and objective_values."""
    rows = [row for row in evaluations if finite_value(row, objective.name) is not None]
    if not rows:
        return Panel(
            key="history",
            title="Optimisation history",
            reading=READING,
            figure=None,
            note="No evaluation has a value yet.",
        )
    figure = new_figure(x="evaluation", y=objective.name)
    if quantities.UNITS[objective.name].as_percent:
        figure.update_yaxes(tickformat="~%")
    shown = evenly(rows, MOST_POINTS)
    for fidelity, colour in fidelity_colours(row.fidelity for row in rows).items():
        figure.add_trace(_points([row for row in shown if row.fidelity == fidelity], objective, colour))
        run_of = next(row.run_of for row in rows if row.fidelity == fidelity)
        figure.data[-1].update(
            name=epochs_label(fidelity, run_of),
            marker_symbol=fidelity_symbols(row.fidelity for row in rows)[fidelity],
        )
    figure.add_trace(_running_best(rows, objective))
    span, left_out = focus(by_fidelity(rows, lambda row: row.objective_values[objective.name]), objective.goal)
    figure.update_yaxes(range=span or around(row.objective_values[objective.name] for row in rows))
    figure.update_xaxes(**whole_ticks([1, *(row.evaluation + 1 for row in rows)]) if len(rows) < FEW else {})
    _mark_phases(figure, rows, phases)
    thinned = (
        f"{len(shown):,} of {len(rows):,} points are shown, evenly thinned out." if len(shown) < len(rows) else None
    )
    note = joined(thinned, outside(left_out) if left_out else None)
    return Panel(key="history", title="Optimisation history", reading=READING, figure=figure, note=note)


def _mark_phases(figure: go.Figure, rows: Sequence[EvaluationRow], phases: Sequence[str]) -> None:
    """A line where a phase after the first begins."""
    for before, row in pairwise(rows):
        phase = row.phase
        if phase > before.phase:
            figure.add_vline(
                x=row.evaluation + 0.5,
                line={"color": MUTED, "width": 1, "dash": "dot"},
                annotation={"text": phase_label(phase, phases), "font": {"color": MUTED, "size": 12}},
                annotation_position="top right",
            )


def _points(rows: Sequence[EvaluationRow], objective: Objective, colour: str) -> go.Scatter:
    name = objective.name
    return go.Scatter(
        x=[row.evaluation + 1 for row in rows],
        y=[row.objective_values[name] for row in rows],
        customdata=[
            [
                row.proposal,
                row.origin,
                quantities.objective(objective.name, row.objective_values[objective.name]),
            ]
            for row in rows
        ],
        mode="markers",
        marker={"color": colour, "size": 7, "opacity": 0.85, "line": {"width": 0}},
        hovertemplate="evaluation %{x}, proposal %{customdata[0]} (%{customdata[1]})<br><b>%{customdata[2]}</b>",
    )


def _running_best(rows: Sequence[EvaluationRow], objective: Objective) -> go.Scatter:
    highest = compared_fidelity(rows)
    best: float | None = None
    x, y = [], []
    for row in rows:
        value = row.objective_values[objective.name]
        if row.fidelity == highest and (best is None or objective.cost(value) < objective.cost(best)):
            best = value
            x.append(row.evaluation + 1)
            y.append(value)
    if best is not None:
        x.append(rows[-1].evaluation + 1)
        y.append(best)
    word = "highest" if objective.goal is Goal.MAXIMIZE else "lowest"
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": ACCENT, "width": 2, "shape": "hv"},
        name=f"{word} so far at {epochs_label(highest or 0)}",
        hovertemplate="best after evaluation %{x}: <b>%{y}</b><extra></extra>",
    )
