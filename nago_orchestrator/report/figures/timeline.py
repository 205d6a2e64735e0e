"""When each attempt ran, side by side, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

import plotly.graph_objects as go

from nago_orchestrator.domain.rows import AttemptRow
from nago_orchestrator.formatting import quantities
from nago_orchestrator.report.figures.failures import COLOURS, seconds
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.style import new_figure

TITLE = "Timeline of attempts"
READING = "One bar for each attempt. Attempts that ran at the same time are stacked: the height is the parallelism."
MOST_BARS = 600
ROWS_OF_A_TITLE = 4
"""Below which the title of the vertical axis would be longer than the axis."""
OUTCOMES = {"succeeded": "#2b8a3e", "running": "#74c0fc", "cancelled": "#ced4da"} | COLOURS


def timeline(attempts: Sequence[AttemptRow], now: datetime) -> Panel:
    """Running attempts last until `now`."""
    started = [(row.started_at, row) for row in attempts if row.started_at]
    rows = sorted(started, key=itemgetter(0))
    if not rows:
        missing = "No attempt has started yet."
        return Panel(key="timeline", title=TITLE, reading=READING, figure=None, note=missing)
    shown = rows[-MOST_BARS:]
    spans = [(start, row.ended_at or now) for start, row in shown]
    lane_of = lanes(spans)
    height = max(lane_of) + 1
    figure = new_figure(x="", y="in parallel" if height >= ROWS_OF_A_TITLE else "", height=150 + 26 * min(height, 16))
    figure.update_layout(barmode="overlay", bargap=0.15)
    figure.update_yaxes(
        showgrid=False, tickmode="linear", dtick=max(1, (max(lane_of) + 1) // 8), range=[0.3, max(lane_of) + 1.7]
    )
    figure.update_xaxes(type="date")
    for outcome, colour in OUTCOMES.items():
        indices = [index for index, (_, row) in enumerate(shown) if _outcome(row) == outcome]
        if indices:
            figure.add_trace(_bars(outcome, colour, [(shown[i][1], spans[i], lane_of[i]) for i in indices]))
    note = f"The latest {len(shown):,} of {len(rows):,} attempts are shown." if len(shown) < len(rows) else None
    return Panel(key="timeline", title=TITLE, reading=READING, figure=figure, note=note)


def lanes(spans: Sequence[tuple[datetime, datetime]]) -> list[int]:
    """For spans in order of their start the lowest lane, from 0, that is free: no two overlap in one lane."""
    free_at: list[datetime] = []
    chosen = []
    for start, end in spans:
        lane = next((index for index, free in enumerate(free_at) if free <= start), len(free_at))
        free_at[lane : lane + 1] = [max(start, end)]
        chosen.append(lane)
    return chosen


def _outcome(row: AttemptRow) -> str:
    if row.state == "failed":
        return str(row.failure) if row.failure in COLOURS else "other"
    return "running" if row.state == "created" else str(row.state)


def _bars(outcome: str, colour: str, bars: Sequence[tuple[AttemptRow, tuple[datetime, datetime], int]]) -> go.Bar:
    return go.Bar(
        orientation="h",
        name=outcome,
        base=[start.isoformat() for _, (start, _), _ in bars],
        x=[max((end - start).total_seconds() * 1000, 1) for _, (start, end), _ in bars],
        y=[lane + 1 for _, _, lane in bars],
        customdata=[_words(row) for row, _, _ in bars],
        marker={"color": colour, "line": {"color": "white", "width": 0.5}},
        hovertemplate="%{customdata[0]}<br><b>%{customdata[1]}</b> after %{customdata[2]}<extra></extra>",
    )


def _words(row: AttemptRow) -> list[str]:
    spent = seconds(row)
    ending = f"{row.state}: {row.reason}" if row.reason else str(row.state)
    return [
        f"trial {row.trial}, attempt {row.attempt}",
        ending,
        "-" if spent is None else quantities.duration(spent),
    ]
