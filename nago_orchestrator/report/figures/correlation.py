"""Does a short training foretell a long one? The same theta at two fidelities, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.generator_results import searched
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.statistics import FEWEST, spearman, spearman_interval
from nago_orchestrator.report.study_report import finite_value
from nago_orchestrator.report.style import MOST_POINTS, dress, fidelity_colours, focus, joined, outside

READING = (
    "Each point is one theta that the search evaluated at both fidelities, each time with new architectures. "
    "The closer Spearman's rank correlation ρ is to 1, the better the short training predicts the long one; its 95 % "
    "interval is in brackets. Only good thetas are promoted, so ρ tends to be lower than it would be for all thetas."
)
TITLE = "Correlation across fidelities"
COLUMNS = 3
FEWEST_DRAWN = 3
"""Pairs below which there is no picture."""

Pair = tuple[float, float, int]
"""Value at the lower fidelity, at the higher one, proposal at the higher one."""


def correlation(evaluations: Sequence[EvaluationRow], objective: Objective) -> Panel:
    """From evaluations with proposal, parent (a proposal or None), fidelity and objective_values.

    Those of the final training are left out: one theta may be trained several times, and its points would depend on
    each other.
    """
    evaluations = searched(evaluations)
    pairs = pairs_by_fidelities(evaluations, objective)
    if not pairs:
        missing = "No theta has been evaluated at two fidelities."
        return Panel(key="correlation", title=TITLE, reading=READING, figure=None, note=missing)
    colours = fidelity_colours(fidelity for key in pairs for fidelity in key)
    few = [f"{low} → {high}" for (low, high), found in pairs.items() if len(found) < FEWEST]
    scarce = f"Fewer than {FEWEST} pairs, too few for a correlation: {', '.join(few)} epochs." if few else None
    note = joined(scarce, _left_out(pairs, objective))
    pairs = {key: found for key, found in pairs.items() if len(found) >= FEWEST_DRAWN}
    if not pairs:
        return Panel(key="correlation", title=TITLE, reading=READING, figure=None, note=note)
    lines = -(-len(pairs) // COLUMNS)
    figure = make_subplots(
        rows=lines,
        cols=min(COLUMNS, len(pairs)),
        subplot_titles=[_title(key, found) for key, found in pairs.items()],
        vertical_spacing=0.3 / lines,
    )
    dress(figure, height=30 + 370 * lines)
    figure.update_layout(showlegend=False, margin_t=70)
    figure.update_annotations(font_size=13)
    for index, ((low, high), found) in enumerate(pairs.items()):
        place = {"row": index // COLUMNS + 1, "col": index % COLUMNS + 1}
        figure.add_trace(_scatter(found, colours[high]), **place)
        figure.update_xaxes(title_text=f"{objective.name}, {counted(low, 'epoch')}", **place)
        figure.update_yaxes(title_text=f"{objective.name}, {counted(high, 'epoch')}", **place)
        figure.update_xaxes(range=focus([[pair[0] for pair in found]], objective.goal)[0], **place)
        figure.update_yaxes(range=focus([[pair[1] for pair in found]], objective.goal)[0], **place)
    if quantities.UNITS[objective.name].as_percent:
        figure.update_xaxes(tickformat="~%")
        figure.update_yaxes(tickformat="~%")
    return Panel(key="correlation", title=TITLE, reading=READING, figure=figure, note=note)


def pairs_by_fidelities(
    evaluations: Sequence[EvaluationRow], objective: Objective
) -> dict[tuple[int, int], list[Pair]]:
    """For each two fidelities the values of the same theta, found along the chain of parents."""
    known = {row.proposal: row for row in evaluations if finite_value(row, objective.name) is not None}
    pairs: dict[tuple[int, int], list[Pair]] = {}
    for row in known.values():
        for ancestor in _ancestors(row, known):
            if ancestor.fidelity < row.fidelity:
                values = ancestor.objective_values[objective.name], row.objective_values[objective.name]
                pairs.setdefault((ancestor.fidelity, row.fidelity), []).append((*values, row.proposal))
    fidelities = sorted({fidelity for key in pairs for fidelity in key})
    return {key: pairs[key] for key in combinations(fidelities, 2) if key in pairs}


def _ancestors(row: EvaluationRow, known: Mapping[int, EvaluationRow]) -> list[EvaluationRow]:
    chain: list[EvaluationRow] = []
    parent = row.parent
    while parent is not None and parent in known and len(chain) < len(known):
        chain.append(known[parent])
        parent = known[parent].parent
    return chain


def _left_out(pairs: Mapping[tuple[int, int], list[Pair]], objective: Objective) -> str | None:
    sides = ([pair[side] for pair in found] for found in pairs.values() for side in (0, 1))
    left_out = sum(focus([values], objective.goal)[1] for values in sides)
    return outside(left_out, "an axis") if left_out else None


def _title(key: tuple[int, int], found: Sequence[Pair]) -> str:
    low, high = key
    value = spearman([pair[0] for pair in found], [pair[1] for pair in found])
    if value is None:
        return f"{low} → {high} epochs (n = {len(found)})"
    interval = spearman_interval(value, len(found))
    spread = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
    return f"{low} → {high} epochs<br>ρ = {value:.2f}{spread} (n = {len(found)})"


def _scatter(found: Sequence[Pair], colour: str) -> go.Scatter:
    shown = evenly(found, MOST_POINTS // 3)
    return go.Scatter(
        x=[low for low, _, _ in shown],
        y=[high for _, high, _ in shown],
        customdata=[proposal for _, _, proposal in shown],
        mode="markers",
        marker={"color": colour, "size": 7, "opacity": 0.75},
        hovertemplate="proposal %{customdata}<br>%{x:.4g} → <b>%{y:.4g}</b><extra></extra>",
    )
