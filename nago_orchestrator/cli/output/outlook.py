"""What to say of a study that has found nothing, or that nobody runs: why, and with which command it goes on."""

from __future__ import annotations

from collections import Counter

from nago_orchestrator.control_loop.planner import FOUND_NOTHING
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import GeneratorRow, StudyRow
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.evaluation.generator_results import searched
from nago_orchestrator.evaluation.reasons import commonest_reason
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import OpenDatabase

_WORDS = {Outcome.INFEASIBLE: "infeasible", Outcome.LOST: "without a network that could be trained"}


def resume_hint(study: StudyRow) -> str | None:
    """For a study that nobody runs: what goes on with it; None where nothing would, or it is over."""
    if study.state not in (StudyState.RUNNING, StudyState.PAUSED, StudyState.FAILED):
        return None
    if study.state is StudyState.FAILED and FOUND_NOTHING in (study.message or ""):
        return None
    return f"go on with: nago-orch resume {study.name}"


def without_value(engine: OpenDatabase, study: str) -> str:
    """What a study has whose best is None: "12 evaluations, all infeasible: the architecture has ..."."""
    found = Counter(row.outcome for row in searched(queries.evaluations(engine, study)))
    # The study goes on between one look and the next: a first value may be there by now.
    outcomes = Counter({outcome: found[outcome] for outcome in _WORDS if found[outcome]})
    total = outcomes.total()
    if not total:
        return "no evaluation yet"
    shares = [(count, _WORDS[outcome]) for outcome, count in outcomes.most_common()]
    what = f"all {shares[0][1]}" if len(shares) == 1 else " and ".join(f"{count:,} {words}" for count, words in shares)
    reason = _commonest_reason(engine, study)
    return f"{counted(total, 'evaluation')}, {what}" + (f": {reason}" if reason else "")


def _commonest_reason(engine: OpenDatabase, study: str) -> str | None:
    """Of trials that are infeasible or failed; reasons that differ in a number alone are the same."""
    messages = [
        row.last_message
        for state in (TrialState.INFEASIBLE, TrialState.FAILED)
        for row in queries.list_trials(engine, study, state=state)
        if row.last_message
    ]
    reason = commonest_reason(messages)
    return None if reason is None else reason.example


def best_sentence(best: GeneratorRow | None, nothing: str | None = None) -> str:
    """`nothing`: why there is no best although something was evaluated."""
    if best is None:
        return f"nothing found: {nothing}" if nothing else "nothing has been evaluated yet"
    values = ", ".join(f"{name} {quantities.objective(name, value)}" for name, value in best.objective_values.items())
    return f"best: {values} (proposal {best.proposal}, {counted(best.fidelity, 'epoch')})"
