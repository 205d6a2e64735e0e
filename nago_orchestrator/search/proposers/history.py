"""How much a proposer has proposed, and how much of it is evaluated; every proposer keeps one.

Of what is evaluated only numbers are left: a search may have a hundred thousand proposals.
"""

from __future__ import annotations

from collections import Counter

from nago_orchestrator.domain.proposals import Evaluation, Origin, Proposal
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.port import HistoryError


class History:
    """How many proposals there are, and those that are pending."""

    def __init__(self) -> None:
        self.evaluated = 0
        """Evaluations so far."""
        self.next_number = 0
        self._origins: Counter[Origin] = Counter()
        self._pending: dict[int, Proposal] = {}
        """By number."""

    @property
    def pending(self) -> int:
        """Proposals without an evaluation."""
        return len(self._pending)

    @property
    def model_share(self) -> float:
        """Of the proposals that are no promotions, those that a model made."""
        new = self.next_number - self._origins[Origin.PROMOTION]
        return self._origins[Origin.MODEL] / new if new else 0.0

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
        self.next_number += 1
        self._origins[proposal.origin] += 1
        self._pending[proposal.number] = proposal

    def tell(self, evaluation: Evaluation) -> Proposal:
        """Which proposal the evaluation is of; it is no longer pending."""
        if evaluation.number != self.evaluated:
            raise HistoryError(f"evaluation {evaluation.number} is out of order: {self.evaluated} is next")
        if evaluation.proposal not in self._pending:
            raise HistoryError(
                f"evaluation {evaluation.number} is of proposal {evaluation.proposal}, not a pending one"
            )
        self.evaluated += 1
        return self._pending.pop(evaluation.proposal)
