"""The final training: accuracies of its networks by generator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from statistics import fmean, stdev
from typing import Any

import plotly.graph_objects as go

from nago_orchestrator.domain.final_rows import FinalNetwork, FinalTraining
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.study_report import finite_value
from nago_orchestrator.report.style import ACCENT, MUTED, new_figure

TITLE = "Final training"
READING = (
    "Each point is one network of the final training, sampled from a generator that the search found. The box spans "
    "the middle half of a generator's networks; the diamond is its accuracy in the search."
)


def final_training(
    trained: Sequence[FinalTraining], evaluations: Sequence[EvaluationRow], places: Mapping[int, str]
) -> Panel | None:
    """`trained`: proposal, parent, epochs and the trials of each generator; `places`: by trial, its network's file.

    None without a final training.
    """
    if not trained:
        return None
    done = sorted((row for row in trained if accuracies(row)), key=lambda row: -fmean(accuracies(row)))
    unfinished = sum(len(row.trials) - len(accuracies(row)) for row in trained)
    networks = counted(sum(len(row.trials) for row in trained), "network")
    note = f"{unfinished:,} of {networks} without an accuracy so far."
    return Panel(
        key="final",
        title=TITLE,
        reading=READING,
        figure=_figure(done, evaluations) if done else None,
        note=note if unfinished else None,
        table=_table([*done, *(row for row in trained if not accuracies(row))], places),
    )


def accuracies(row: FinalTraining) -> list[float]:
    found = [trial.validation_accuracy for trial in row.trials]
    return [value for value in found if value is not None and math.isfinite(value)]


def _label(row: FinalTraining) -> str:
    return f"{row.generator}<br>{counted(row.epochs, 'epoch')}"


def _figure(rows: Sequence[FinalTraining], evaluations: Sequence[EvaluationRow]) -> go.Figure:
    figure = new_figure(x="", y="accuracy", height=430)
    figure.update_yaxes(tickformat="~%")
    for row in rows:
        known = [trial for trial in row.trials if trial.validation_accuracy is not None]
        figure.add_trace(
            go.Box(
                x=[_label(row)] * len(known),
                y=[trial.validation_accuracy for trial in known],
                customdata=[_words(trial) for trial in known],
                boxpoints="all",
                pointpos=0,
                jitter=0.35,
                fillcolor="rgba(217, 72, 15, 0.10)",
                line={"color": "#f0a384", "width": 1},
                marker={"color": ACCENT, "size": 7},
                hoveron="points",
                hovertemplate="trial %{customdata[0]}: <b>%{y:.2%}</b><br>%{customdata[1]}<extra></extra>",
                showlegend=False,
            )
        )
    figure.add_trace(_as_searched(rows, evaluations))
    return figure


def _words(trial: FinalNetwork) -> list[Any]:
    memory = trial.bytes_per_sample
    size = "" if memory is None else f"{quantities.size(memory)} per sample, "
    return [trial.trial, f"{size}{quantities.count(trial.parameters)} parameters"]


def _as_searched(rows: Sequence[FinalTraining], evaluations: Sequence[EvaluationRow]) -> go.Scatter:
    seen: Mapping[int, float | None] = {row.proposal: _accuracy(row) for row in evaluations}
    known = [(row, seen[row.parent]) for row in rows if row.parent is not None and seen.get(row.parent) is not None]
    return go.Scatter(
        x=[_label(row) for row, _ in known],
        y=[accuracy for _, accuracy in known],
        mode="markers",
        name="in the search",
        marker={"symbol": "diamond-open", "size": 10, "color": MUTED, "line": {"width": 2}},
        hovertemplate="in the search: <b>%{y:.2%}</b><extra></extra>",
        showlegend=bool(known),
    )


def _accuracy(row: EvaluationRow) -> float | None:
    error = finite_value(row, "error")
    return finite_value(row, "accuracy") if error is None else 1.0 - error


def _table(rows: Sequence[FinalTraining], places: Mapping[int, str]) -> TextTable:
    header = ("generator", "epochs", "networks", "finished", "mean", "standard deviation", "memory/sample")
    more = ("parameters", "best", "trial", "network")
    return TextTable(header=(*header, *more), rows=tuple(_cells(row, places) for row in rows))


def _cells(row: FinalTraining, places: Mapping[int, str]) -> tuple[str, ...]:
    found = accuracies(row)
    done = [(trial.validation_accuracy, trial) for trial in row.trials if trial.validation_accuracy is not None]
    best = max(done, key=itemgetter(0), default=None)
    return (
        row.generator,
        str(row.epochs),
        str(len(row.trials)),
        str(len(found)),
        quantities.percent(fmean(found)) if found else "-",
        quantities.percent(stdev(found)) if len(found) > 1 else "-",
        quantities.size(fmean(sizes)) if (sizes := _sizes(row)) else "-",
        quantities.count(fmean(trial.parameters for trial in row.trials)) if row.trials else "-",
        "-" if best is None else quantities.percent(best[0]),
        "-" if best is None else str(best[1].trial),
        "-" if best is None else places.get(best[1].trial, "-"),
    )


def _sizes(row: FinalTraining) -> list[int]:
    return [trial.bytes_per_sample for trial in row.trials if trial.bytes_per_sample is not None]
