"""One search after another in one study, each told what those before it found (Ru et al., 2020, appendix C.2).

A phase begins when every proposal of the one before it has been told. Each phase numbers its own proposals and
evaluations from 0 and has a seed of its own; here they become the study's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nago_orchestrator.domain.proposals import Evaluation, PriorEvaluation, Proposal
from nago_orchestrator.search.proposers.history import History
from nago_orchestrator.search.proposers.port import HistoryError, Pause, Proposer

Phase = Callable[[tuple[PriorEvaluation, ...]], Proposer]
"""Given all that was found before the phase, a proposer that has been told nothing else."""


class Phases:
    """Proposes what each phase proposes, in turn, until the last one is exhausted."""

    def __init__(self, phases: Sequence[Phase], prior: tuple[PriorEvaluation, ...] = ()) -> None:
        """`phases`: at least one. `prior`: what other studies found, known to every phase."""
        self._phases = tuple(phases)
        self._known = list(prior)
        self._history = History()
        self._current = 0
        self._first_number = 0
        self._evaluations_before = 0
        """Evaluations that the study was told before the current phase."""
        self._proposer = self._phases[0](prior)
        self._planned_later = [int(phase(()).facts()["planned_proposals"]) for phase in self._phases[1:]]

    def ask(self) -> Proposal | Pause:
        while True:
            answer = self._proposer.ask()
            if isinstance(answer, Proposal):
                proposal = self._outward(answer)
                self._history.add(proposal)
                return proposal
            if answer is Pause.WAITING or self._current + 1 == len(self._phases):
                return answer
            if self._history.pending:
                return Pause.WAITING
            self._begin_next()

    def record(self, proposal: Proposal) -> None:
        self._history.check_next(proposal)
        while self._current < proposal.phase and self._current + 1 < len(self._phases):
            if self._history.pending or self._proposer.ask() is not Pause.EXHAUSTED:
                raise HistoryError(
                    f"the stored proposal {proposal.number} is of phase {proposal.phase}, but phase {self._current} "
                    "is not over there: the study's spec or its rows were changed"
                )
            self._begin_next()
        if proposal.phase != self._current:
            raise HistoryError(
                f"the stored proposal {proposal.number} is of phase {proposal.phase}, which cannot follow here: "
                "the study's spec or its rows were changed"
            )
        self._proposer.record(self._inward(proposal))
        self._history.add(proposal)

    def tell(self, evaluation: Evaluation) -> None:
        proposal = self._history.tell(evaluation)
        self._known.append(
            PriorEvaluation(
                theta=proposal.theta,
                fidelity=proposal.fidelity,
                outcome=evaluation.outcome,
                costs=evaluation.costs,
                samples=evaluation.samples,
            )
        )
        self._proposer.tell(
            replace(
                evaluation,
                number=evaluation.number - self._evaluations_before,
                proposal=evaluation.proposal - self._first_number,
            )
        )

    def facts(self) -> Mapping[str, int | float]:
        own = self._proposer.facts()
        later = sum(self._planned_later[self._current :])
        planned = self._first_number + own["planned_proposals"] + later
        return {**own, "phase": self._current, "phases": len(self._phases), "planned_proposals": planned}

    def _begin_next(self) -> None:
        self._current += 1
        self._first_number = self._history.next_number
        self._evaluations_before = self._history.evaluated
        self._proposer = self._phases[self._current](tuple(self._known))

    def _outward(self, own: Proposal) -> Proposal:
        return replace(
            own,
            number=own.number + self._first_number,
            parent=None if own.parent is None else own.parent + self._first_number,
            evaluations_before=own.evaluations_before + self._evaluations_before,
            phase=self._current,
        )

    def _inward(self, proposal: Proposal) -> Proposal:
        return replace(
            proposal,
            number=proposal.number - self._first_number,
            parent=None if proposal.parent is None else proposal.parent - self._first_number,
            evaluations_before=proposal.evaluations_before - self._evaluations_before,
            phase=0,
        )
