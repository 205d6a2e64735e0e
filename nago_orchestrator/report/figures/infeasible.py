"""What is said of a search of which nothing could be trained. Called by the page, whose figures then are empty."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import EvaluationRow, TrialRow
from nago_orchestrator.evaluation.reasons import commonest_reason
from nago_orchestrator.formatting.counts import counted


def all_infeasible(evaluations: Sequence[EvaluationRow]) -> str | None:
    """ "12 evaluations, all infeasible."; None of any other search, one without evaluations among them."""
    if not evaluations or any(row.outcome != Outcome.INFEASIBLE for row in evaluations):
        return None
    return f"{counted(len(evaluations), 'evaluation')}, all infeasible."


def reason_sentence(trials: Sequence[TrialRow]) -> str | None:
    """Of infeasible trials, with the first one's figures, as one sentence; None where none has a reason."""
    messages = [str(text) for row in trials if row.state == "infeasible" and (text := _message(row))]
    reason = commonest_reason(messages)
    if reason is None:
        return None
    return f"Reason of {reason.count:,} of {counted(len(messages), 'trial')}, for example: {reason.example}."


def _message(row: TrialRow) -> str | None:
    return row.last_message or row.last_reason
