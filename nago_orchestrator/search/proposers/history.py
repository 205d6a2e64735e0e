"""What a proposer has proposed, and how much of it is evaluated; every proposer keeps one."""

from __future__ import annotations

from nago_orchestrator.domain.proposals import Evaluation, Origin, Proposal
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.port import HistoryError


class History:
    """Proposals in their order, and which of them are still pending."""

    def __init__(self) -> None:
        self.proposals: list[Proposal] = []
        self.evaluated = 0
        """Evaluations so far."""
        self._pending: set[int] = set()

    @property
    def next_number(self) -> int:
        return len(self.proposals)

    @property
    def pending(self) -> int:
        """Proposals without an evaluation."""
        return len(self._pending)

    @property
    def model_share(self) -> float:
        """Of the proposals that are no promotions, those that a model made."""
        origins = [proposal.origin for proposal in self.proposals]
        new = len(origins) - origins.count(Origin.PROMOTION)
        return origins.count(Origin.MODEL) / new if new else 0.0

    def check_next(self, proposal: Proposal) -> None:
        """Raises HistoryError unless the proposal can follow here."""
        found, wanted = (proposal.number, proposal.evaluations_before), (self.next_number, self.evaluated)
        if found != wanted:
            raise HistoryError(
                f"proposal {found[0]}, made after {counted(found[1], 'evaluation')}, is out of order: "
                f"proposal {wanted[0]} after {counted(wanted[1], 'evaluation')} is next"
            )

    def add(self, proposal: Proposal) -> None:
        self.check_next(proposal)
        self.proposals.append(proposal)
        self._pending.add(proposal.number)

    def tell(self, evaluation: Evaluation) -> Proposal:
        """Which proposal the evaluation is of; it is no longer pending."""
        if evaluation.number != self.evaluated:
            raise HistoryError(f"evaluation {evaluation.number} is out of order: {self.evaluated} is next")
        if evaluation.proposal not in self._pending:
            raise HistoryError(
                f"evaluation {evaluation.number} is of proposal {evaluation.proposal}, not a pending one"
            )
        self._pending.remove(evaluation.proposal)
        self.evaluated += 1
        return self.proposals[evaluation.proposal]
