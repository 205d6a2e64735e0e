"""Accuracy against memory of every finished trial, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from nago_orchestrator.domain.objectives import Goal
from nago_orchestrator.domain.rows import TrialRow
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.evaluation.front import front_indices
from nago_orchestrator.evaluation.generator_results import searched
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.style import (
    ACCENT,
    MOST_POINTS,
    around,
    by_fidelity,
    epochs_label,
    fidelity_colours,
    fidelity_symbols,
    focus,
    joined,
    new_figure,
    outside,
)

READING = (
    "Each point is one trained network: validation accuracy versus the memory per image in training. The steps are "
    "the Pareto front of the networks at the compared fidelity: no other network there is both smaller and better."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A trial with all that its point needs."""

    trial: int
    fidelity: int
    accuracy: float
    memory: int
    parameters: int


def tradeoff(trials: Sequence[TrialRow], compared: int | None = None) -> Panel:
    """The front is at the fidelity `compared`."""
    rows = [known for row in searched(trials) if (known := _measured(row)) is not None]
    if not rows:
        return Panel(
            key="tradeoff",
            title="Accuracy versus memory",
            reading=READING,
            figure=None,
            note="No trial has finished with an accuracy yet.",
        )
    figure = new_figure(x="memory per sample, training (bytes)", y="validation accuracy", height=470)
    figure.update_yaxes(tickformat="~%")
    figure.update_xaxes(exponentformat="SI")
    fidelities = [row.fidelity for row in rows]
    shown = evenly(rows, MOST_POINTS)
    symbols = fidelity_symbols(fidelities)
    for fidelity, colour in fidelity_colours(fidelities).items():
        chosen = [row for row in shown if row.fidelity == fidelity]
        trace = _points(chosen, name=epochs_label(fidelity))
        trace.update(marker={"color": colour, "symbol": symbols[fidelity], "size": 7, "opacity": 0.75})
        figure.add_trace(trace)
    highest = compared if compared in fidelities else max(fidelities)
    figure.add_trace(_front_line([row for row in rows if row.fidelity == highest]))
    span, left_out = focus(by_fidelity(rows, lambda row: row.accuracy), Goal.MAXIMIZE)
    figure.update_yaxes(range=span or around(row.accuracy for row in rows))
    figure.update_xaxes(range=around(row.memory for row in rows))
    thinned = f"{len(shown):,} of {len(rows):,} trials are shown, evenly thinned out; the front is that of all."
    return Panel(
        key="tradeoff",
        title="Accuracy versus memory",
        reading=READING,
        figure=figure,
        note=joined(thinned if len(shown) < len(rows) else None, outside(left_out) if left_out else None),
    )


def _measured(row: TrialRow) -> _Measured | None:
    accuracy, memory = row.validation_accuracy, row.bytes_per_sample
    if accuracy is None or not math.isfinite(accuracy) or memory is None or row.state is not TrialState.SUCCEEDED:
        return None
    return _Measured(
        trial=row.trial, fidelity=row.fidelity, accuracy=accuracy, memory=memory, parameters=row.parameters
    )


def _points(rows: Sequence[_Measured], *, name: str) -> go.Scatter:
    return go.Scatter(
        x=[row.memory for row in rows],
        y=[row.accuracy for row in rows],
        customdata=[
            [
                row.trial,
                quantities.percent(row.accuracy),
                quantities.size(row.memory),
                quantities.count(row.parameters),
            ]
            for row in rows
        ],
        mode="markers",
        name=name,
        hovertemplate="trial %{customdata[0]}<br><b>%{customdata[1]}</b><br>%{customdata[2]} per sample<br>"
        "%{customdata[3]} parameters",
    )


def _front_line(rows: Sequence[_Measured]) -> go.Scatter:
    chosen = front_indices([(row.memory, -row.accuracy) for row in rows])
    trace = _points([rows[index] for index in chosen], name="Pareto front")
    return trace.update(
        mode="lines+markers",
        line={"color": ACCENT, "width": 1.5, "shape": "hv"},
        marker={"color": "rgba(0,0,0,0)", "size": 12, "line": {"color": ACCENT, "width": 2}, "symbol": "circle"},
    )
