"""What the loop needs of any search algorithm: ask, record, tell.

A proposer's next answer depends on the study seed, the number of the proposal and the evaluations so far, on nothing
else. So nothing of it is stored but its proposals and evaluations, and `replay` rebuilds it from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from nago_orchestrator.domain.proposals import Evaluation, Proposal
from nago_orchestrator.errors import NagoError


class Pause(StrEnum):
    """Why there is no proposal now."""

    WAITING = "waiting"
    """Nothing to propose until a pending proposal is evaluated."""
    EXHAUSTED = "exhausted"
    """The search is over: nothing will be proposed any more."""


class HistoryError(NagoError):
    """Stored proposals and evaluations do not fit together, or not the study's search settings."""


class Proposer(Protocol):
    def ask(self) -> Proposal | Pause:
        """The next proposal, already recorded. Asking while paused changes nothing."""
        ...

    def record(self, proposal: Proposal) -> None:
        """Re-install a stored proposal instead of asking for it; nothing is drawn.

        Raises HistoryError if these search settings cannot have made it here.
        """
        ...

    def tell(self, evaluation: Evaluation) -> None:
        """Learn from a finished proposal. Raises HistoryError unless it is known, pending and next in evaluation
        order."""
        ...

    def facts(self) -> Mapping[str, int | float]:
        """Figures for the status page, by name."""
        ...
