"""Whether the surrogate's fits can be trusted: their diagnostics, one fit for each batch of proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.report.panel import Panel, Row, TextTable
from nago_orchestrator.report.style import BAD, MUTED, PHASES, dress, evenly, joined

TITLE = "The surrogate's fits"
READING = (
    "One fit for each batch: R-hat compares the sampler's chains (1 is perfect), the effective sample size says how "
    "many independent networks speak, the coverage which share of the evaluations that the fit knew lies within its "
    "50 % (dotted) and 90 % intervals; a fit that should not be trusted is circled."
)
MOST_ROWS = 40
"""Of the table."""
_QUANTITIES = (
    ("r_hat", "R-hat", 1.0, "solid"),
    ("effective_samples", "effective sample size", None, "solid"),
    ("coverage_90", "coverage", 0.9, "solid"),
    ("coverage_50", "coverage", 0.5, "dot"),
)
"""Key in the notes, title of its picture, what it should be, how it is drawn."""
_COLUMNS = {"R-hat": 1, "effective sample size": 2, "coverage": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """One fit, as the notes of its batch's proposals tell it."""

    first_proposal: int
    evaluations: int
    fits: int
    objectives: Sequence[Mapping[str, Any]]

    @property
    def problems(self) -> list[str]:
        return [str(item["problem"]) for item in self.objectives if item.get("problem")]


def fittings(evaluations: Sequence[Row]) -> list[Fitting]:
    """By the first proposal of their batch; proposals of one batch carry the same notes."""
    found: list[Fitting] = []
    previous: object = None
    for row in sorted(evaluations, key=lambda row: int(row["proposal"])):
        notes = (row.get("notes") or {}).get("surrogate")
        if notes and notes != previous and "objectives" in notes:
            found.append(
                Fitting(
                    first_proposal=row["proposal"],
                    evaluations=row["notes"].get("evaluations", 0),
                    fits=notes.get("fits", 1),
                    objectives=notes["objectives"],
                )
            )
        previous = notes
    return found


def calibration(evaluations: Sequence[Row], learnt: Sequence[str]) -> Panel | None:
    """From evaluations with proposal and notes; `learnt`: the objectives that the surrogate learns, in their order.

    None where no proposal came from a surrogate with diagnostics.
    """
    fits = fittings(evaluations)
    if not fits:
        return None
    bad = [fit for fit in fits if fit.problems]
    words = f"{len(bad)} of {len(fits)} fits should not be trusted; the latest: {bad[-1].problems[0]}" if bad else None
    repeated = sum(fit.fits > 1 for fit in fits)
    again = f"{repeated} of {len(fits)} fits were made again because the first was bad." if repeated else None
    return Panel(
        key="fits",
        title=TITLE,
        reading=READING,
        figure=_figure(fits, _names(fits, learnt)),
        note=joined(words, again),
        table=_table(fits, _names(fits, learnt)),
    )


def _names(fits: Sequence[Fitting], learnt: Sequence[str]) -> list[str]:
    count = max(len(fit.objectives) for fit in fits)
    return list(learnt) if len(learnt) == count else [f"objective {place + 1}" for place in range(count)]


def _figure(fits: Sequence[Fitting], names: Sequence[str]) -> go.Figure:
    figure = make_subplots(rows=1, cols=3, horizontal_spacing=0.07, subplot_titles=list(_COLUMNS))
    dress(figure, height=360)
    figure.update_layout(margin_t=86, legend_y=1.14)
    figure.update_annotations(font_size=13)
    for key, title, target, dash in _QUANTITIES:
        column = _COLUMNS[title]
        for place, name in enumerate(names):
            line = _line(fits, key, place, f"{name}, {key[-2:]} %" if column == 3 else name)
            line.update(line_dash=dash, showlegend=column == 1, legendgroup=name)
            figure.add_trace(line, row=1, col=column)
            figure.add_trace(_circles(fits, key, place), row=1, col=column)
        if target is not None:
            figure.add_hline(y=target, line={"color": MUTED, "width": 1, "dash": "dash"}, row=1, col=column)
    figure.update_xaxes(title_text="first proposal of the batch")
    figure.update_yaxes(tickformat=".0%", range=[-0.03, 1.05], col=3)
    figure.update_yaxes(rangemode="tozero", col=2)
    return figure


def _values(fits: Sequence[Fitting], key: str, place: int) -> list[tuple[int, float, bool]]:
    """First proposal, value, whether the fit is bad; of the fits that have it."""
    found = []
    for fit in fits:
        own = fit.objectives[place] if place < len(fit.objectives) else {}
        if own.get(key) is not None:
            found.append((fit.first_proposal, float(own[key]), bool(own.get("problem"))))
    return found


def _line(fits: Sequence[Fitting], key: str, place: int, name: str) -> go.Scatter:
    values = _values(fits, key, place)
    colour = PHASES[place % len(PHASES)]
    return go.Scatter(
        x=[x for x, _, _ in values],
        y=[y for _, y, _ in values],
        mode="lines+markers",
        name=name.partition(",")[0],
        line={"color": colour, "width": 1.5},
        marker={"size": 6},
        hovertemplate=f"{name}<br>batch from proposal %{{x}}: <b>%{{y:.3g}}</b><extra></extra>",
    )


def _circles(fits: Sequence[Fitting], key: str, place: int) -> go.Scatter:
    bad = [(x, y) for x, y, is_bad in _values(fits, key, place) if is_bad]
    return go.Scatter(
        x=[x for x, _ in bad],
        y=[y for _, y in bad],
        mode="markers",
        marker={"symbol": "circle-open", "size": 14, "color": BAD, "line": {"width": 2}},
        showlegend=False,
        hoverinfo="skip",
    )


def _table(fits: Sequence[Fitting], names: Sequence[str]) -> TextTable:
    return TextTable(
        header=("from proposal", "evaluations", "fits", "objective", "R-hat", "effective", "50 %", "90 %", "problem"),
        rows=tuple(
            (
                str(fit.first_proposal),
                str(fit.evaluations),
                str(fit.fits),
                name,
                _text(own.get("r_hat"), ".2f"),
                _text(own.get("effective_samples"), ".0f"),
                _text(own.get("coverage_50"), ".0%"),
                _text(own.get("coverage_90"), ".0%"),
                str(own.get("problem") or "-"),
            )
            for fit in evenly(fits, MOST_ROWS)
            for name, own in zip(names, fit.objectives, strict=False)
        ),
    )


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
