"""The posterior effect of each hyperparameter: partial dependence, a small picture for each objective."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.style import dress, objective_axis, padded, whole_ticks
from nago_orchestrator.search.posterior import Effect, PosteriorEffects

TITLE = "Predictions of the surrogate"
READING = (
    "The posterior mean of each objective as a function of one hyperparameter, averaged over the thetas that were "
    "evaluated at {fidelity} ({evaluations}). The band is the 95 % credible interval of that average."
)
COLUMNS = 4
_LINES = ("#0b4a86", "#2b8a3e", "#ae3ec9", "#0b7285")
"""Of the objectives, in their order."""


def effects(found: PosteriorEffects | None, objectives: Sequence[Objective], missing: str | None) -> Panel | None:
    """`missing` says why there are none; without either the panel is left out."""
    if found is None:
        return Panel(key="effects", title=TITLE, reading="", figure=None, note=missing) if missing else None
    reading = READING.format(
        fidelity=counted(found.fidelity, "epoch"), evaluations=counted(found.evaluations, "evaluation")
    )
    warning = f"The fit is unreliable: {found.problem}" if found.problem else None
    return Panel(
        key="effects",
        title=TITLE,
        reading=reading,
        figure=_figure(found.effects, objectives),
        note=warning,
        table=_table(found.effects, objectives),
    )


def _figure(found: Sequence[Effect], objectives: Sequence[Objective]) -> go.Figure:
    names = list(dict.fromkeys(effect.hyperparameter for effect in found))
    columns = min(COLUMNS, len(names))
    lines = -(-len(names) // columns)
    empty = [""] * (lines * columns - len(names))
    figure = make_subplots(
        rows=lines * len(objectives),
        cols=columns,
        subplot_titles=(names + empty) * len(objectives),
        horizontal_spacing=0.025,
        vertical_spacing=0.34 / (lines * len(objectives)),
    )
    dress(figure, height=70 + 190 * lines * len(objectives))
    figure.update_layout(showlegend=False, margin_t=50)
    figure.update_annotations(font_size=12)
    for block, objective in enumerate(objectives):
        own = [effect for effect in found if effect.objective == objective.name]
        span = _span(own)
        for place, effect in enumerate(own):
            row, column = block * lines + place // columns + 1, place % columns + 1
            figure.add_traces(_curve(effect, _LINES[block % len(_LINES)]), rows=row, cols=column)
            figure.update_xaxes(**whole_ticks(effect.at), row=row, col=column)
            axis = {**objective_axis(objective.name), "title_text": objective.name if column == 1 else ""}
            figure.update_yaxes(**axis, range=span, showticklabels=column == 1, row=row, col=column)
    return figure


def _span(found: Sequence[Effect]) -> list[float]:
    """All pictures of one objective share their axis, so that what matters more looks so."""
    low = min(mean - 1.96 * own for effect in found for mean, own in zip(effect.mean, effect.deviation, strict=True))
    high = max(mean + 1.96 * own for effect in found for mean, own in zip(effect.mean, effect.deviation, strict=True))
    return padded(low, high, 0.05)


def _curve(effect: Effect, colour: str) -> list[go.Scatter]:
    at = list(effect.at)
    low = [mean - 1.96 * own for mean, own in zip(effect.mean, effect.deviation, strict=True)]
    high = [mean + 1.96 * own for mean, own in zip(effect.mean, effect.deviation, strict=True)]
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    band = go.Scatter(
        x=[*at, *reversed(at)],
        y=[*high, *reversed(low)],
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({red}, {green}, {blue}, 0.16)",
        line={"width": 0},
        hoverinfo="skip",
    )
    whole = all(value == int(value) for value in at)
    line = go.Scatter(
        x=at,
        y=list(effect.mean),
        customdata=[1.96 * own for own in effect.deviation],
        mode="lines+markers" if whole else "lines",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        hovertemplate=f"{effect.hyperparameter} = %{{x:.4g}}<br><b>%{{y:.4g}}</b> ± %{{customdata:.2g}}<extra></extra>",
    )
    return [band, line]


def _table(found: Sequence[Effect], objectives: Sequence[Objective]) -> TextTable:
    """What matters most comes first."""
    ordered = [
        (objective, effect)
        for objective in objectives
        for effect in sorted(
            (effect for effect in found if effect.objective == objective.name), key=lambda effect: -effect.range
        )
    ]
    return TextTable(
        header=("objective", "hyperparameter", "range of the mean", "best value", "mean there", "± 95 %"),
        rows=tuple(_cells(objective, effect) for objective, effect in ordered),
    )


def _cells(objective: Objective, effect: Effect) -> tuple[str, ...]:
    place = effect.mean.index((max if objective.goal is Goal.MAXIMIZE else min)(effect.mean))
    name = objective.name
    return (
        name,
        effect.hyperparameter,
        quantities.objective(name, effect.range),
        quantities.number(effect.at[place]),
        quantities.objective(name, effect.mean[place]),
        quantities.objective(name, 1.96 * effect.deviation[place]),
    )
