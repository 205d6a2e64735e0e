"""What is said of a search of which nothing could be trained. Called by the page, whose figures then are empty."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Row

_NUMBER = re.compile(r"\d[\d,.]*")


def all_infeasible(evaluations: Sequence[Row]) -> str | None:
    """ "12 evaluations, all infeasible."; None of any other search, one without evaluations among them."""
    if not evaluations or any(row["outcome"] != Outcome.INFEASIBLE for row in evaluations):
        return None
    return f"{counted(len(evaluations), 'evaluation')}, all infeasible."


def commonest_reason(trials: Sequence[Row]) -> str | None:
    """Of infeasible trials, with the first one's figures, as one sentence; None where none has a reason."""
    words = [str(text) for row in trials if row["state"] == "infeasible" and (text := _words(row))]
    if not words:
        return None
    kinds = Counter(_NUMBER.sub("0", text) for text in words)
    kind, number = kinds.most_common(1)[0]
    example = next(text for text in words if _NUMBER.sub("0", text) == kind)
    return f"The reason of {number:,} of {counted(len(words), 'trial')}, here of the first: {example}."


def _words(row: Row) -> str | None:
    text = row.get("last_message") or row.get("last_reason")
    return str(text).rstrip(".") if text else None
