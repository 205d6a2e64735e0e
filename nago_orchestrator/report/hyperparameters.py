"""Each searched hyperparameter against the first objective: small multiples with a rank correlation each."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain import Objective
from nago_orchestrator.report import quantities
from nago_orchestrator.report.history import finite_value
from nago_orchestrator.report.panel import Panel, Row
from nago_orchestrator.report.statistics import spearman
from nago_orchestrator.report.style import (
    ACCENT,
    MUTED,
    dress,
    evenly,
    fidelity_colours,
    focus,
    joined,
    outside,
    whole_ticks,
)
from nago_orchestrator.wording import counted

TITLE = "Hyperparameters"
COLUMNS = 4
MOST_POINTS = 400
"""Of each panel."""


def hyperparameters(evaluations: Sequence[Row], objective: Objective) -> Panel:
    """From evaluations with proposal, fidelity, theta and objective_values, at the `best_covered` fidelity."""
    rows = [row for row in evaluations if finite_value(row, objective.name) is not None]
    names = varied(rows)
    reading = f"Each point is one theta: the hyperparameter against {objective.name}. "
    if not names:
        note = "No two different thetas have been evaluated yet."
        return Panel(key="hyperparameters", title=TITLE, reading=reading, figure=None, note=note)
    fidelity = best_covered([row["fidelity"] for row in rows])
    rows = [row for row in rows if row["fidelity"] == fidelity]
    reading += (
        f"All were trained for {counted(fidelity, 'epoch')}; ρ is Spearman's rank correlation; the best one is marked."
    )
    figure = _grid(rows, names, objective, fidelity_colours([fidelity])[fidelity])
    span, left_out = focus([[row["objective_values"][objective.name] for row in rows]], objective.goal)
    figure.update_yaxes(range=span)
    thinned = f"{MOST_POINTS} of {len(rows):,} thetas are drawn, evenly chosen; ρ is that of all."
    return Panel(
        key="hyperparameters",
        title=TITLE,
        reading=reading,
        figure=figure,
        note=joined(thinned if len(rows) > MOST_POINTS else None, outside(left_out) if left_out else None),
    )


def varied(rows: Sequence[Row]) -> list[str]:
    """Names of the hyperparameters that take more than one value."""
    if not rows:
        return []
    return [name for name in rows[0]["theta"] if len({row["theta"].get(name) for row in rows}) > 1]


def best_covered(fidelities: Sequence[int]) -> int:
    """The highest fidelity with at least 20 evaluations, else the one that has the most."""
    counts = {fidelity: fidelities.count(fidelity) for fidelity in set(fidelities)}
    enough = [fidelity for fidelity, number in counts.items() if number >= 20]
    return max(enough) if enough else max(counts, key=lambda fidelity: (counts[fidelity], fidelity))


def _grid(rows: Sequence[Row], names: Sequence[str], objective: Objective, colour: str) -> go.Figure:
    lines = -(-len(names) // COLUMNS)
    figure = make_subplots(
        rows=lines,
        cols=min(COLUMNS, len(names)),
        subplot_titles=[_title(name, rows, objective) for name in names],
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=min(0.16, 0.5 / lines),
    )
    dress(figure, height=90 + 210 * lines)
    figure.update_layout(showlegend=False, margin_t=60)
    figure.update_annotations(font_size=12)
    figure.update_yaxes(title_text=objective.name, col=1)
    if objective.name in ("accuracy", "error"):
        figure.update_yaxes(tickformat=".0%")
    best = min(rows, key=lambda row: objective.cost(row["objective_values"][objective.name]))
    for index, name in enumerate(names):
        place = {"row": index // COLUMNS + 1, "col": index % COLUMNS + 1}
        figure.add_trace(_points(evenly(rows, MOST_POINTS), name, objective, colour), **place)
        figure.update_xaxes(**whole_ticks(row["theta"][name] for row in rows), **place)
        figure.add_trace(_points([best], name, objective, ACCENT).update(marker_size=9), **place)
    return figure


def _title(name: str, rows: Sequence[Row], objective: Objective) -> str:
    value = spearman([row["theta"][name] for row in rows], [row["objective_values"][objective.name] for row in rows])
    rho = "" if value is None else f" <span style='color:{MUTED}'>ρ = {value:.2f}</span>"
    return f"{name}{rho}"


def _points(rows: Sequence[Row], name: str, objective: Objective, colour: str) -> go.Scatter:
    label = objective.name
    return go.Scatter(
        x=[row["theta"][name] for row in rows],
        y=[row["objective_values"][label] for row in rows],
        customdata=[
            [row["proposal"], quantities.objective(objective.name, row["objective_values"][objective.name])]
            for row in rows
        ],
        mode="markers",
        marker={"color": colour, "size": 5, "opacity": 0.75},
        hovertemplate=f"proposal %{{customdata[0]}}<br>{name} = %{{x:.4g}}<br><b>%{{customdata[1]}}</b><extra></extra>",
    )
