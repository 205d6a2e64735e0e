"""Random search: thetas drawn uniformly, all evaluated at one fidelity. The baseline of every comparison."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Evaluation, Origin, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.history import History
from nago_orchestrator.search.proposers.port import HistoryError, Pause


class RandomSearch:
    """Proposes `proposals` many thetas and learns nothing."""

    def __init__(self, *, space: SearchSpace, study_seed: int, fidelity: int, proposals: int) -> None:
        self._space = space
        self._study_seed = study_seed
        self._fidelity = fidelity
        self._planned = proposals
        self._history = History()

    def ask(self) -> Proposal | Pause:
        number = self._history.next_number
        if number >= self._planned:
            return Pause.EXHAUSTED
        rng = np.random.Generator(np.random.PCG64(seeds.proposal(self._study_seed, number)))
        proposal = Proposal(
            number=number,
            theta=self._space.sample(rng),
            fidelity=self._fidelity,
            origin=Origin.RANDOM,
            evaluations_before=self._history.evaluated,
        )
        self._history.add(proposal)
        return proposal

    def record(self, proposal: Proposal) -> None:
        if proposal.fidelity != self._fidelity or self._history.next_number >= self._planned:
            raise HistoryError(
                f"the stored proposal {proposal.number} at fidelity {proposal.fidelity} does not fit a random search "
                f"of {counted(self._planned, 'proposal')} at fidelity {self._fidelity}"
            )
        self._history.add(proposal)

    def tell(self, evaluation: Evaluation) -> None:
        self._history.tell(evaluation)

    def facts(self) -> Mapping[str, int | float]:
        return {"planned_proposals": self._planned}
