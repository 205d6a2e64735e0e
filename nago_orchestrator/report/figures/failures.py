"""What went wrong: failed attempts by cause, with the time they cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import plotly.graph_objects as go

from nago_orchestrator.domain.rows import AttemptRow, TrialRow
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.style import joined, new_figure

TITLE = "Failures by cause"
READING = (
    "Attempts that ended without a result, and trials that were infeasible before any attempt. The search observes "
    "infeasible thetas. Infrastructure failures and interruptions are retried; if no retry succeeds, the evaluation is "
    "lost. Defects are errors of the trainer itself."
)
COLOURS = {
    "infeasible": "#f08c00",
    "infrastructure": "#7048e8",
    "interrupted": "#adb5bd",
    "defect": "#c92a2a",
    "other": "#495057",
}


BEFORE_TRAINING = ("infeasible", "before training")
"""Kind and reason of trials that no attempt was made of."""


def failures(attempts: Sequence[AttemptRow], trials: Sequence[TrialRow] = (), hopeless: str | None = None) -> Panel:
    """`hopeless`: what is said where nothing could be trained."""
    failed = [row for row in attempts if row.state == "failed"]
    never = [row for row in trials if row.state == "infeasible" and not row.attempts]
    if not failed and not never:
        note = "No attempt has failed." if attempts else "No attempt has started yet."
        return Panel(key="failures", title=TITLE, reading=READING, figure=None, note=note)
    return Panel(
        key="failures",
        title=TITLE,
        reading=READING,
        figure=_figure(failed, len(never)),
        note=joined(
            f"{len(failed):,} of {counted(len(attempts), 'attempt')} failed." if attempts else None,
            f"{counted(len(never), 'trial')} could not be trained at all." if never else None,
            hopeless,
        ),
    )


def _figure(failed: Sequence[AttemptRow], never: int) -> go.Figure:
    counts: Counter[tuple[str, str]] = Counter()
    lost: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in failed:
        cause = (str(row.failure or "other"), str(row.reason or "unknown"))
        counts[cause] += 1
        lost[cause] += seconds(row) or 0.0
    if never:
        counts[BEFORE_TRAINING] += never
    figure = new_figure(x="attempts, or trials without one", y="", height=150 + 34 * len(counts))
    for kind in sorted({kind for kind, _ in counts}):
        figure.add_trace(_bars(kind, counts, lost))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(rangemode="tozero")
    return figure


def seconds(row: AttemptRow) -> float | None:
    """From start to end of an attempt that has both."""
    start, end = row.started_at, row.ended_at
    return (end - start).total_seconds() if start and end else None


def _bars(kind: str, counts: Counter[tuple[str, str]], lost: dict[tuple[str, str], float]) -> go.Bar:
    causes = [cause for cause, _ in counts.most_common() if cause[0] == kind]
    return go.Bar(
        orientation="h",
        name=kind,
        width=0.6,
        x=[counts[cause] for cause in causes],
        y=[f"{reason} " for _, reason in causes],
        customdata=[quantities.duration(lost[cause]) for cause in causes],
        marker={"color": COLOURS.get(kind, COLOURS["other"])},
        text=[quantities.count(counts[cause]) for cause in causes],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: <b>%{x}</b><br>%{customdata} spent on them",
    )
