"""Bring a proposer back to where a stored study stands, or verify that it makes the same proposals.

`rebuild` is what every resume does; `verify` is behind `nago-orch replay STUDY --verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from nago_orchestrator.domain.proposals import Evaluation, Proposal
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.port import HistoryError, Pause, Proposer


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of one proposal, or of one of its trials, that is not what the store says when it is made anew."""

    proposal: int
    trial: int | None = None
    """Number of the trial that differs; None where it is the proposal itself."""
    field: str
    """Of `Proposal` or of the trial; "pause" where the proposer would have proposed nothing."""
    stored: Any
    computed: Any


def rebuild(proposer: Proposer, proposals: Sequence[Proposal], evaluations: Sequence[Evaluation]) -> None:
    """Record and tell, in the order in which it happened. Raises HistoryError if the rows contradict each other.

    `proposer` is new; proposals come by number, evaluations in their order. Pending proposals are recorded as well.
    """
    for step in _in_order(proposals, evaluations):
        if isinstance(step, Proposal):
            proposer.record(step)
        else:
            proposer.tell(step)


def verify(
    proposer: Proposer,
    proposals: Sequence[Proposal],
    evaluations: Sequence[Evaluation],
    on_progress: Callable[[int], None] = lambda done: None,
) -> tuple[Difference, ...]:
    """Ask anew where `rebuild` records, and compare every field; `on_progress` is given the proposals that were made.

    Stops at the first proposal that differs, since all later ones follow from it; empty if all are the same.
    """
    for step in _in_order(proposals, evaluations):
        if isinstance(step, Evaluation):
            proposer.tell(step)
            continue
        differences = _compare(step, proposer.ask())
        if differences:
            return differences
        on_progress(step.number + 1)
    return ()


def _in_order(proposals: Sequence[Proposal], evaluations: Sequence[Evaluation]) -> Iterator[Proposal | Evaluation]:
    told = 0
    for proposal in proposals:
        if not told <= proposal.evaluations_before <= len(evaluations):
            raise HistoryError(
                f"the history is inconsistent: proposal {proposal.number} was made after "
                f"{counted(proposal.evaluations_before, 'evaluation')}, the one before it after {told}, "
                f"and the database has {counted(len(evaluations), 'evaluation')}"
            )
        yield from evaluations[told : proposal.evaluations_before]
        told = proposal.evaluations_before
        yield proposal
    yield from evaluations[told:]


def _compare(stored: Proposal, computed: Proposal | Pause) -> tuple[Difference, ...]:
    if isinstance(computed, Pause):
        return (Difference(proposal=stored.number, field="pause", stored=None, computed=computed),)
    names = [field.name for field in fields(Proposal) if getattr(stored, field.name) != getattr(computed, field.name)]
    return tuple(
        Difference(proposal=stored.number, field=name, stored=getattr(stored, name), computed=getattr(computed, name))
        for name in names
    )
