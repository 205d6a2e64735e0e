"""Why a study has no best generator yet, read from its evaluations and its trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import BestGenerator
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.evaluation.generator_results import searched
from nago_orchestrator.evaluation.reasons import commonest_reason
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.store import found, queries
from nago_orchestrator.store.engine import OpenDatabase

_WORDS = {Outcome.INFEASIBLE: "infeasible", Outcome.LOST: "without a trained network"}


def best_or_reason(engine: OpenDatabase, study: str, *, evaluations: int) -> tuple[BestGenerator | None, str | None]:
    """The best generator, or why there is none; neither before the first of its `evaluations`."""
    best = found.incumbent(engine, study)
    return best, without_value(engine, study) if best is None and evaluations else None


def without_value(engine: OpenDatabase, study: str) -> str:
    """What a study has whose best is None: "12 evaluations, all infeasible: the architecture has ..."."""
    outcomes = [row.outcome for row in searched(queries.evaluations(engine, study))]
    messages = [
        row.last_message
        for state in (TrialState.INFEASIBLE, TrialState.FAILED)
        for row in queries.list_trials(engine, study, state=state)
        if row.last_message
    ]
    return missing_value(outcomes, messages)


def missing_value(ends: Iterable[Outcome], messages: Sequence[str]) -> str:
    """From the outcomes of a search's evaluations and the messages of its infeasible and failed trials."""
    counts = Counter(ends)
    # The study goes on between one look and the next: a first value may be there by now.
    outcomes = Counter({outcome: counts[outcome] for outcome in _WORDS if counts[outcome]})
    total = outcomes.total()
    if not total:
        return "no evaluation yet"
    shares = [(count, _WORDS[outcome]) for outcome, count in outcomes.most_common()]
    what = f"all {shares[0][1]}" if len(shares) == 1 else " and ".join(f"{count:,} {words}" for count, words in shares)
    reason = commonest_reason(messages)
    return f"{counted(total, 'evaluation')}, {what}" + ("" if reason is None else f": {reason.example}")
