"""Learning curves: validation accuracy after each epoch, the best trials of each fidelity standing out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from nago_orchestrator.domain.rows import EpochRow, TrialRow
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.style import FAINT, epochs_label, fidelity_colours, new_figure, whole_ticks

READING = (
    "Validation accuracy after each epoch, one line for each trial. The best trials of each fidelity are coloured, "
    "the others grey."
)
BEST = 5
OTHERS = 40
"""Lines of each fidelity: the best in colour, and so many of the rest."""


def learning_curves(trials: Sequence[TrialRow], epochs: Sequence[EpochRow]) -> Panel:
    """Trials with trial, fidelity, validation_accuracy; epochs with trial, attempt, epoch, validation_accuracy."""
    curves = _with_beginnings(_curves(epochs), trials)
    drawn = [row for row in trials if row.trial in curves]
    if not drawn:
        return Panel(
            key="curves",
            title="Learning curves",
            reading=READING,
            figure=None,
            note="No trial has reported an epoch yet.",
        )
    figure = new_figure(x="epoch", y="validation accuracy", height=460)
    figure.update_yaxes(tickformat="~%")
    figure.update_xaxes(**whole_ticks([1, *(row.epoch for row in epochs)]))
    shown = 0
    for fidelity, colour in fidelity_colours(row.fidelity for row in drawn).items():
        ordered = sorted((row for row in drawn if row.fidelity == fidelity), key=_rank)
        others = evenly(ordered[BEST:], OTHERS)
        shown += len(ordered[:BEST]) + len(others)
        figure.add_traces(_grey(others, curves))
        name = epochs_label(fidelity, ordered[0].run_of)
        figure.add_traces(_coloured(ordered[:BEST], curves, colour=colour, name=name))
    figure.data = tuple(sorted(figure.data, key=lambda trace: trace.line.color != FAINT))
    chosen = f"of each fidelity the {BEST} best and {OTHERS} of the others"
    note = f"{shown:,} of {len(drawn):,} trials are shown: {chosen}."
    return Panel(
        key="curves",
        title="Learning curves",
        reading=READING,
        figure=figure,
        note=note if shown < len(drawn) else None,
    )


def _curves(epochs: Sequence[EpochRow]) -> Mapping[int, list[tuple[int, float]]]:
    """Of each trial the curve of its last attempt that reported one."""
    attempts: dict[int, dict[int, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in epochs:
        value = row.validation_accuracy
        if value is not None and math.isfinite(value):
            attempts[row.trial][row.attempt].append((row.epoch, value))
    return {trial: sorted(by_attempt[max(by_attempt)]) for trial, by_attempt in attempts.items()}


def _with_beginnings(
    curves: Mapping[int, list[tuple[int, float]]], trials: Sequence[TrialRow]
) -> Mapping[int, list[tuple[int, float]]]:
    """What a trial goes on from is the beginning of its curve; those before it have smaller numbers."""
    whole = dict(curves)
    for row in sorted(trials, key=lambda row: row.trial):
        own = whole.get(row.trial)
        if own and own[0][0] > 1 and row.continued_from is not None:
            whole[row.trial] = [point for point in whole.get(row.continued_from, []) if point[0] < own[0][0]] + own
    return whole


def _rank(row: TrialRow) -> tuple[float, int]:
    accuracy = row.validation_accuracy
    return (-accuracy if accuracy is not None else 1.0, row.trial)


def _grey(rows: Sequence[TrialRow], curves: Mapping[int, list[tuple[int, float]]]) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=[epoch for epoch, _ in curves[row.trial]],
            y=[value for _, value in curves[row.trial]],
            mode="lines+markers" if len(curves[row.trial]) == 1 else "lines",
            line={"color": FAINT, "width": 1},
            marker={"size": 4},
            showlegend=False,
            hovertemplate=f"trial {row.trial}, epoch %{{x}}: %{{y:.2%}}<extra></extra>",
        )
        for row in rows
    ]


def _coloured(
    rows: Sequence[TrialRow], curves: Mapping[int, list[tuple[int, float]]], *, colour: str, name: str
) -> list[go.Scatter]:
    traces = _grey(rows, curves)
    for index, (trace, row) in enumerate(zip(traces, rows, strict=True)):
        accuracy = row.validation_accuracy
        ending = "still running" if accuracy is None else f"ended at {quantities.percent(accuracy)}"
        trace.update(
            line={"color": colour, "width": 2},
            name=f"best at {name}",
            legendgroup=name,
            showlegend=index == 0,
            hovertemplate=f"trial {row.trial}, epoch %{{x}}: <b>%{{y:.2%}}</b><br>{name}, {ending}<extra></extra>",
        )
    return traces
