"""What is read of final training: its generators and networks, and how many of them there are. As `rows`."""

from __future__ import annotations

from dataclasses import dataclass

from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.rows import TrialRow
from nago_orchestrator.domain.states import TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalNetwork(TrialRow):
    network: str | None
    """Where it was saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalTraining:
    """A generator with the networks of its final training, all for the same number of epochs."""

    proposal: int
    parent: int | None
    """The proposal of the search; None for a generator that was drawn at random, to compare with."""
    epochs: int
    theta: Theta
    trials: tuple[FinalNetwork, ...]

    @property
    def generator(self) -> str:
        """As tables and figures name it."""
        return f"random {self.proposal}" if self.parent is None else f"proposal {self.parent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalTrainingCount:
    """How many networks of final training have this number of epochs and this state."""

    epochs: int
    state: TrialState
    trials: int
