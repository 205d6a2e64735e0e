"""The Pareto front after each phase of the search, and the networks of the final training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import GeneratorRow
from nago_orchestrator.evaluation.front import MeasuredFront, measure_front
from nago_orchestrator.evaluation.pareto import non_dominated
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.figures.stars import Star, longest_trained, star_points
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.study_report import finite_value
from nago_orchestrator.report.style import (
    INK,
    MOST_POINTS,
    dress,
    focus,
    joined,
    objective_axis,
    objective_words,
    outside,
    padded,
    pale,
    phase_colour,
    phase_label,
)

TITLE = "Pareto front"
READING = (
    "Each point is one generator evaluated at {epochs}, coloured by the phase that proposed it. Dominated "
    "generators are pale."
)
FRONT = "front"
REFERENCE, DEFAULT_REFERENCE = "reference", "reference (default)"
LINE, LINES = " The line is the front.", " A line is the front after that phase."
CROSS = " The cross is the reference point of the hypervolume."
FULL = " A star is the mean of a generator's networks of the final training ({epochs})."


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRows:
    """What the panel draws."""

    evaluations: Sequence[GeneratorRow]
    """Of each generator one, at the fidelity that is compared, with a finite value of every objective."""
    objectives: Sequence[Objective]
    phases: Sequence[str]
    """The algorithm of each."""
    trained: Sequence[FinalTraining] = ()
    """Generators with final training: parent, epochs and trials."""

    def costs(self) -> list[list[float]]:
        return [
            [objective.cost(row.objective_values[objective.name]) for objective in self.objectives]
            for row in self.evaluations
        ]

    @property
    def front_size(self) -> int:
        return non_dominated(self.costs()).tolist().count(True) if self.evaluations else 0

    def stars(self) -> list[Star]:
        return longest_trained(self.trained, self.objectives)


def compared_rows(
    evaluations: Sequence[GeneratorRow], objectives: Sequence[Objective], fidelity: int | None
) -> list[GeneratorRow]:
    """Evaluations at the fidelity with a finite value of every objective."""
    return [
        row
        for row in evaluations
        if row.fidelity == fidelity and all(finite_value(row, objective.name) is not None for objective in objectives)
    ]


def phase_front(rows: FrontRows) -> Panel | None:
    """None for a single objective."""
    if len(rows.objectives) < 2:
        return None
    if not rows.evaluations:
        missing = "No evaluation has a value of every objective yet."
        return Panel(key="front", title=TITLE, reading="", figure=None, note=missing)
    costs = rows.costs()
    on_front = non_dominated(costs).tolist()
    best = [costs[place] for place, chosen in enumerate(on_front) if chosen]
    measured = measure_front(best, rows.objectives)
    figure, note = _figure(rows, on_front, measured)
    return Panel(
        key="front",
        title=TITLE,
        reading=_reading(rows, figure),
        figure=figure,
        note=note,
        table=_table(rows, on_front, measured),
    )


def _reading(rows: FrontRows, figure: go.Figure) -> str:
    """Of what is drawn alone."""
    stars = rows.stars()
    shown = {trace.name for trace in figure.data if trace.showlegend is not False}
    return "".join(
        [
            READING.format(epochs=counted(rows.evaluations[0].fidelity, "epoch")),
            _line_words(rows) if any(str(name).startswith(FRONT) for name in shown) else "",
            CROSS if shown & {REFERENCE, DEFAULT_REFERENCE} else "",
            FULL.format(epochs=counted(stars[0].epochs, "epoch")) if stars else "",
        ]
    )


def _line_words(rows: FrontRows) -> str:
    return LINES if len(rows.phases) > 1 else LINE


def _figure(rows: FrontRows, on_front: Sequence[bool], measured: MeasuredFront | None) -> tuple[go.Figure, str | None]:
    first, *others = rows.objectives
    figure = make_subplots(rows=1, cols=len(others), shared_yaxes=True, horizontal_spacing=0.03)
    dress(figure, height=520)
    figure.update_layout(margin_t=72)
    notes: list[str | None] = []
    for column, other in enumerate(others, start=1):
        figure.add_traces(_points(rows, on_front, other), rows=1, cols=column)
        if len(others) == 1:
            figure.add_traces(_lines(rows), rows=1, cols=column)
        figure.add_traces(star_points(rows.stars(), rows.objectives, other), rows=1, cols=column)
        figure.update_xaxes(**objective_axis(other.name), col=column)
    beyond: list[str] = []
    spans = [_span(rows, measured, place, notes, beyond) for place in range(len(rows.objectives))]
    if beyond:
        notes.append(
            f"The reference point is outside the figure, at {' and '.join(beyond)}; double-click the figure to show it."
        )
    figure.update_yaxes(range=spans[0])
    figure.update_yaxes(**objective_axis(first.name), col=1)
    for column in range(1, len(rows.objectives)):
        figure.update_xaxes(range=spans[column], col=column)
        if measured is not None:
            figure.add_trace(_reference(rows.objectives, measured, column, spans), row=1, col=column)
    if list(on_front).count(False) > MOST_POINTS:
        notes.append(f"At most {MOST_POINTS:,} dominated points of each phase are shown, evenly thinned out.")
    if len(others) > 1:
        notes.append("Each figure shows two objectives: a point may be on the front because of another one.")
        _name_once(figure)
    return figure, joined(*dict.fromkeys(notes))


def _name_once(figure: go.Figure) -> None:
    """In the legend, of pictures that show the same."""
    seen: set[str] = set()
    for trace in figure.data:
        trace.update(showlegend=trace.showlegend is not False and trace.name not in seen)
        seen |= {trace.name} if trace.showlegend else set()


def _points(rows: FrontRows, on_front: Sequence[bool], other: Objective) -> list[go.Scatter]:
    """Dominated points first, so that the front lies above them."""
    traces = []
    marked = list(zip(rows.evaluations, on_front, strict=True))
    named = {row.phase for row, is_best in marked if is_best}
    for best in (False, True):
        for phase in sorted({row.phase for row in rows.evaluations}):
            chosen = [row for row, is_best in marked if is_best is best and row.phase == phase]
            if chosen:
                trace = _phase_points(rows, chosen if best else evenly(chosen, MOST_POINTS), other, best=best)
                traces.append(trace.update(showlegend=best or phase not in named))
    return traces


def _phase_points(rows: FrontRows, chosen: Sequence[GeneratorRow], other: Objective, *, best: bool) -> go.Scatter:
    phase = chosen[0].phase
    colour = phase_colour(phase)
    label = phase_label(phase, rows.phases)
    return go.Scatter(
        x=[row.objective_values[other.name] for row in chosen],
        y=[row.objective_values[rows.objectives[0].name] for row in chosen],
        customdata=[
            [row.proposal, "<br>".join(objective_words(item, row.objective_values) for item in rows.objectives)]
            for row in chosen
        ],
        mode="markers",
        name=label,
        legendgroup=label,
        marker={
            "color": colour if best else pale(colour),
            "size": 10 if best else 7,
            "line": {"color": "white", "width": 1 if best else 0},
        },
        hovertemplate="proposal %{customdata[0]}<br>%{customdata[1]}<extra>" + label + "</extra>",
    )


def _lines(rows: FrontRows) -> list[go.Scatter]:
    """The front of all that was known after each phase that moved it."""
    traces: list[go.Scatter] = []
    seen = -1
    for phase in sorted({row.phase for row in rows.evaluations}):
        known = [row for row in rows.evaluations if row.phase <= phase]
        if len(known) > seen:
            traces.append(_line(rows, known, phase))
        seen = len(known)
    traces[-1].update(line={"width": 2, "dash": "solid"})
    return traces


def _line(rows: FrontRows, known: Sequence[GeneratorRow], phase: int) -> go.Scatter:
    first, other = rows.objectives
    values = [row.objective_values for row in known]
    best = non_dominated([[item.cost(row[item.name]) for item in rows.objectives] for row in values])
    front = sorted((row[other.name], row[first.name]) for row, chosen in zip(values, best, strict=True) if chosen)
    return go.Scatter(
        x=[x for x, _ in front],
        y=[y for _, y in front],
        mode="lines",
        showlegend=len(front) > 1,
        name=f"{FRONT} after {phase_label(phase, rows.phases)}" if len(rows.phases) > 1 else FRONT,
        line={
            "color": phase_colour(phase),
            "width": 1.5,
            "dash": "dot",
            "shape": "hv" if other.goal is Goal.MINIMIZE else "vh",
        },
        hoverinfo="skip",
    )


def _reference(
    objectives: Sequence[Objective], measured: MeasuredFront, column: int, spans: Sequence[Sequence[float]]
) -> go.Scatter:
    """Named in the legend only where it is in the picture."""
    values = [item.cost(cost) for item, cost in zip(objectives, measured.reference, strict=True)]
    inside = all(spans[place][0] <= values[place] <= spans[place][1] for place in (0, column))
    return go.Scatter(
        x=[values[column]],
        y=[values[0]],
        mode="markers",
        name=REFERENCE if all(measured.given) else DEFAULT_REFERENCE,
        legendgroup=REFERENCE,
        showlegend=inside,
        marker={"symbol": "x-thin", "size": 12, "line": {"color": INK, "width": 2}},
        hovertemplate="reference point<br>%{x}, %{y}<extra></extra>",
    )


def _span(
    rows: FrontRows, measured: MeasuredFront | None, place: int, notes: list[str | None], beyond: list[str]
) -> list[float]:
    """Of an axis: without far outliers, and with the reference unless that would squeeze all else.

    What is left out is told to `notes`, and of the reference to `beyond`.
    """
    objective = rows.objectives[place]
    values = [row.objective_values[objective.name] for row in rows.evaluations]
    values += [star.values[objective.name] for star in rows.stars()]
    span, left_out = focus([values], objective.goal)
    low, high = span or (min(values), max(values))
    if left_out:
        notes.append(outside(left_out, f"the {objective.name} axis"))
    if measured is not None:
        reference = objective.cost(measured.reference[place])
        if min(abs(reference - low), abs(reference - high)) <= 2 * (high - low):
            low, high = min(low, reference), max(high, reference)
        elif not low <= reference <= high:
            beyond.append(f"{objective.name} {quantities.objective(objective.name, reference)}")
    return padded(low, high, 0.04)


def _table(rows: FrontRows, on_front: Sequence[bool], measured: MeasuredFront | None) -> TextTable:
    chosen = [row for row, best in zip(rows.evaluations, on_front, strict=True) if best]
    total = measured.hypervolume if measured else 0.0
    shares = [own / total for own in measured.contributions] if measured and total else [0.0] * len(chosen)
    first = rows.objectives[0]
    order = sorted(range(len(chosen)), key=lambda place: first.cost(chosen[place].objective_values[first.name]))
    names = tuple(objective.name for objective in rows.objectives)
    return TextTable(
        header=("proposal", "phase", "networks", *names, "exclusive hypervolume"),
        rows=tuple(
            (
                str(chosen[place].proposal),
                phase_label(chosen[place].phase, rows.phases),
                str(chosen[place].samples),
                *(quantities.objective(name, chosen[place].objective_values[name]) for name in names),
                quantities.percent(shares[place]),
            )
            for place in order
        ),
    )
