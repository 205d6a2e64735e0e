"""Each searched hyperparameter against the first objective: small multiples with a rank correlation each.

Its values are canonical: those that count. A k is the degree that the ring has, whatever was proposed, and a point at
which a hyperparameter changes nothing (the p of a full ring, say) is left out of its picture.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.statistics import spearman
from nago_orchestrator.report.study_report import finite_value
from nago_orchestrator.report.style import (
    ACCENT,
    MUTED,
    dress,
    fidelity_colours,
    focus,
    joined,
    outside,
    whole_ticks,
)

TITLE = "Hyperparameters"
COLUMNS = 4
MOST_POINTS = 400
"""Of each panel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """Of one hyperparameter."""

    name: str
    rows: Sequence[EvaluationRow]
    """Evaluations in which it has an effect."""
    left_out: int
    """In how many it has none."""

    def values(self, rows: Sequence[EvaluationRow]) -> list[float]:
        return [_canonical(row)[self.name] for row in rows]


def hyperparameters(evaluations: Sequence[EvaluationRow], objective: Objective, best: Sequence[int] = ()) -> Panel:
    """From evaluations with proposal, fidelity, theta, canonical_theta and objective_values, at the `best_covered`
    fidelity. `best`: proposals of the best generator, which is marked."""
    rows = [row for row in evaluations if finite_value(row, objective.name) is not None]
    reading = f"Each point is one theta: a hyperparameter in canonical form versus {objective.name}. "
    fidelity = best_covered([row.fidelity for row in rows]) if rows else 0
    rows = [row for row in rows if row.fidelity == fidelity]
    if not varied(rows):
        note = "No two different thetas have been evaluated yet."
        return Panel(key="hyperparameters", title=TITLE, reading=reading, figure=None, note=note)
    trained = f"All thetas were evaluated at {counted(fidelity, 'epoch')}"
    reading += f"{trained}; ρ is Spearman's rank correlation; the best generator is marked."
    pictures = [_picture(rows, name) for name in varied(rows)]
    marked = _marked(rows, objective, best)
    figure = _grid(pictures, marked, objective, fidelity_colours([fidelity])[fidelity])
    span, left_out = focus([[row.objective_values[objective.name] for row in rows]], objective.goal)
    figure.update_yaxes(range=span)
    thinned = f"{MOST_POINTS} of {len(rows):,} thetas are shown, evenly thinned out; ρ is computed from all."
    return Panel(
        key="hyperparameters",
        title=TITLE,
        reading=reading,
        figure=figure,
        note=joined(
            _without_effect(pictures, rows),
            thinned if len(rows) > MOST_POINTS else None,
            outside(left_out) if left_out else None,
        ),
    )


def varied(rows: Sequence[EvaluationRow]) -> list[str]:
    """Names of the hyperparameters of which more than one value was proposed, and more than one counts."""
    if not rows:
        return []
    return [
        name
        for name in _proposed(rows)
        if len({_canonical(row).get(name) for row in rows if has_effect(row, name)}) > 1
    ]


def _proposed(rows: Sequence[EvaluationRow]) -> list[str]:
    return [name for name in rows[0].theta if len({row.theta.get(name) for row in rows}) > 1]


def _marked(rows: Sequence[EvaluationRow], objective: Objective, best: Sequence[int]) -> set[int]:
    """The best generator's proposals; where it was not evaluated at this fidelity, the best one here."""
    here = {row.proposal for row in rows}
    known = here & set(best)
    return known or {min(rows, key=lambda row: objective.cost(row.objective_values[objective.name])).proposal}


def has_effect(row: EvaluationRow, name: str) -> bool:
    """False for a probability that changes nothing in this theta: its canonical form has 0 instead."""
    return not name.endswith("_p") or _canonical(row)[name] == row.theta[name]


def _canonical(row: EvaluationRow) -> Mapping[str, float]:
    known: Mapping[str, float] = row.canonical_theta or row.theta
    return known


def _picture(rows: Sequence[EvaluationRow], name: str) -> _Picture:
    chosen = [row for row in rows if has_effect(row, name)]
    return _Picture(name=name, rows=chosen, left_out=len(rows) - len(chosen))


def _without_effect(pictures: Sequence[_Picture], rows: Sequence[EvaluationRow]) -> str | None:
    found = ", ".join(f"{picture.name} in {picture.left_out:,}" for picture in pictures if picture.left_out)
    drawn = {picture.name for picture in pictures}
    alike = ", ".join(name for name in _proposed(rows) if name not in drawn)
    return joined(
        f"Points without an effect are left out, of {counted(len(rows), 'theta')}: {found}." if found else None,
        f"Not shown, because all proposed values are equivalent: {alike}." if alike else None,
    )


def best_covered(fidelities: Sequence[int]) -> int:
    """The highest fidelity with at least 20 evaluations, else the one that has the most."""
    counts = {fidelity: fidelities.count(fidelity) for fidelity in set(fidelities)}
    enough = [fidelity for fidelity, number in counts.items() if number >= 20]
    return max(enough) if enough else max(counts, key=lambda fidelity: (counts[fidelity], fidelity))


def _grid(pictures: Sequence[_Picture], best: Collection[int], objective: Objective, colour: str) -> go.Figure:
    lines = -(-len(pictures) // COLUMNS)
    figure = make_subplots(
        rows=lines,
        cols=min(COLUMNS, len(pictures)),
        subplot_titles=[_title(picture, objective) for picture in pictures],
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=min(0.16, 0.5 / lines),
    )
    dress(figure, height=90 + 210 * lines)
    figure.update_layout(showlegend=False, margin_t=60)
    figure.update_annotations(font_size=12)
    figure.update_yaxes(title_text=objective.name, col=1)
    if quantities.UNITS[objective.name].as_percent:
        figure.update_yaxes(tickformat="~%")
    for index, picture in enumerate(pictures):
        place = {"row": index // COLUMNS + 1, "col": index % COLUMNS + 1}
        figure.add_trace(_points(picture, evenly(picture.rows, MOST_POINTS), objective, colour), **place)
        figure.update_xaxes(**whole_ticks(picture.values(picture.rows)), **place)
        marked = [row for row in picture.rows if row.proposal in best]
        figure.add_trace(_points(picture, marked, objective, ACCENT).update(marker_size=9), **place)
    return figure


def _title(picture: _Picture, objective: Objective) -> str:
    observed = [row.objective_values[objective.name] for row in picture.rows]
    value = spearman(picture.values(picture.rows), observed)
    rho = "" if value is None else f" <span style='color:{MUTED}'>ρ = {value:.2f}</span>"
    return f"{picture.name}{rho}"


def _points(picture: _Picture, rows: Sequence[EvaluationRow], objective: Objective, colour: str) -> go.Scatter:
    label = objective.name
    return go.Scatter(
        x=picture.values(rows),
        y=[row.objective_values[label] for row in rows],
        customdata=[
            [row.proposal, quantities.objective(objective.name, row.objective_values[objective.name])] for row in rows
        ],
        mode="markers",
        marker={"color": colour, "size": 5, "opacity": 0.75},
        hovertemplate=f"proposal %{{customdata[0]}}<br>{picture.name} = %{{x:.4g}}<br>"
        "<b>%{customdata[1]}</b><extra></extra>",
    )
