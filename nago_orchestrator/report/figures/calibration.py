"""Whether the surrogate's fits can be trusted: their diagnostics, one fit for each batch of proposals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.figures.fits import Fitting, fittings, origins
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.style import BAD, MUTED, PHASES, dress, joined, whole_ticks

TITLE = "Surrogate fits"
OF_CHAINS = (
    "R-hat compares the chains of the sampler (1 means that they agree); the effective sample size is the number of "
    "independent posterior samples. "
)
OF_COVERAGE = (
    "The coverage is the share of the evaluations, {told}, within the 50 % (dotted) and 90 % prediction intervals. "
    "Unreliable fits are circled."
)
NOTHING_KNOWN = "No fit has diagnostics."
MOST_ROWS = 40
"""Of the table."""
EFFECTIVE = "effective sample size"
_QUANTITIES = (
    ("r_hat", "R-hat", 1.0, "solid"),
    ("effective_samples", EFFECTIVE, None, "solid"),
    ("coverage_90", "coverage", 0.9, "solid"),
    ("coverage_50", "coverage", 0.5, "dot"),
)
"""Key in the notes, title of its picture, what it should be, how it is drawn."""
_AXES: Mapping[str, Any] = {
    "coverage": {"tickformat": ".0%", "range": [-0.03, 1.05]},
    EFFECTIVE: {"rangemode": "tozero"},
}


def calibration(evaluations: Sequence[EvaluationRow], learnt: Sequence[str]) -> Panel | None:
    """From evaluations with proposal and notes; `learnt`: the objectives that the surrogate learns, in their order.

    None where the search has no surrogate.
    """
    fits, made = fittings(evaluations), origins(evaluations)
    if not fits and made is None:
        return None
    if not fits:
        return Panel(key="fits", title=TITLE, reading="", figure=None, note=f"{made} {NOTHING_KNOWN}")
    names = _names(fits, learnt)
    return Panel(
        key="fits",
        title=TITLE,
        reading=_reading(fits),
        figure=_figure(fits, names),
        note=joined(made, *_warnings(fits)),
        table=_table(fits, names),
    )


def _reading(fits: Sequence[Fitting]) -> str:
    chains = any(own.get("r_hat") is not None for fit in fits for own in fit.objectives)
    told = (
        "each predicted without itself (leave one out)"
        if any(fit.is_held_out for fit in fits)
        else "all of which the model was fitted to"
    )
    return f"One fit for each batch. {OF_CHAINS if chains else ''}{OF_COVERAGE.format(told=told)}"


def _warnings(fits: Sequence[Fitting]) -> Iterator[str]:
    bad = [fit for fit in fits if fit.problems]
    if bad:
        yield f"Unreliable: {len(bad)} of {counted(len(fits), 'fit')}, the latest because: {bad[-1].problems[0]}"
    repeated = sum(fit.fits > 1 for fit in fits)
    if repeated:
        yield f"Repeated because the first result was unreliable: {repeated} of {counted(len(fits), 'fit')}."
    weak = [fit for fit in fits if not fit.problems and any(fit.remarks(own) for own in fit.objectives)]
    if weak:
        remarks = [remark for own in weak[-1].objectives for remark in weak[-1].remarks(own)]
        whose = counted(len(weak), "other") if bad else f"{len(weak)} of {counted(len(fits), 'fit')}"
        yield f"The table has warnings for {whose}, the latest: {'; '.join(dict.fromkeys(remarks))}."


def _names(fits: Sequence[Fitting], learnt: Sequence[str]) -> list[str]:
    count = max(len(fit.objectives) for fit in fits)
    return list(learnt) if len(learnt) == count else [f"objective {place + 1}" for place in range(count)]


def _figure(fits: Sequence[Fitting], names: Sequence[str]) -> go.Figure:
    drawn = [item for item in _QUANTITIES if any(_values(fits, item[0], place) for place in range(len(names)))]
    titles = list(dict.fromkeys(title for _, title, _, _ in drawn))
    figure = make_subplots(rows=1, cols=max(len(titles), 1), horizontal_spacing=0.07, subplot_titles=titles)
    dress(figure, height=360)
    figure.update_layout(margin_t=86, legend_y=1.14)
    figure.update_annotations(font_size=13)
    for key, title, target, dash in drawn:
        column = titles.index(title) + 1
        for place, name in enumerate(names):
            line = _line(fits, key, place, f"{name}, {key[-2:]} %" if title == "coverage" else name)
            line.update(line_dash=dash, showlegend=key == drawn[0][0], legendgroup=name)
            figure.add_trace(line, row=1, col=column)
            figure.add_trace(_circles(fits, key, place), row=1, col=column)
        if target is not None:
            figure.add_hline(y=target, line={"color": MUTED, "width": 1, "dash": "dash"}, row=1, col=column)
        figure.update_yaxes(**_AXES.get(title, {}), col=column)
    figure.update_xaxes(title_text="first proposal of the batch", **whole_ticks(fit.first_proposal for fit in fits))
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
        hovertemplate=f"{name}<br>batch of proposal %{{x}}: <b>%{{y:.3g}}</b><extra></extra>",
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


_MEASURES = {
    "R-hat": ("r_hat", ".2f"),
    "effective samples": ("effective_samples", ".0f"),
    "discarded samples": ("overheated", ".0%"),
    "in 50 %": ("coverage_50", ".0%"),
    "in 90 %": ("coverage_90", ".0%"),
}
"""Column, key in the notes, and its form; what a surrogate does not have is a dash."""


def _table(fits: Sequence[Fitting], names: Sequence[str]) -> TextTable:
    return TextTable(
        header=(*("first proposal", "evaluations", "fits", "objective"), *_MEASURES, "warnings"),
        rows=tuple(
            (
                str(fit.first_proposal),
                str(fit.evaluations),
                str(fit.fits),
                name,
                *(_text(own.get(key), form) for key, form in _MEASURES.values()),
                "; ".join(fit.remarks(own)) or "-",
            )
            for fit in evenly(fits, MOST_ROWS)
            for name, own in zip(names, fit.objectives, strict=False)
        ),
    )


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
