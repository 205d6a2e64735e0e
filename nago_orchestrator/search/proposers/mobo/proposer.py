"""Multi-objective Bayesian optimisation at one fidelity, in batches (Ru et al., 2020, algorithm 1 with 2).

An initial design of scrambled Sobol points, then batches: the surrogate is fitted to all observations, the acquisition
chooses. A batch follows from the evaluations told before its first member and the proposals pending then, and from the
study seed: after a restart in its middle it is computed again, and its remaining members are handed out. Before the
first of them it waits for what is pending where that will be enough for a model.
"""

from __future__ import annotations

from collections.abc import Mapping

from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.errors import SpecError
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.history import History
from nago_orchestrator.search.proposers.mobo.observations import CheapObjectives, gather
from nago_orchestrator.search.proposers.mobo.sampler import Batch, BatchMaker
from nago_orchestrator.search.proposers.mobo.settings import MoboPlan
from nago_orchestrator.search.proposers.port import HistoryError, Pause
from nago_orchestrator.search.surrogate.port import Fit


class Mobo:
    """Proposes `plan.proposals` thetas."""

    def __init__(
        self, plan: MoboPlan, fit: Fit, *, cheap: CheapObjectives | None = None, prior: tuple[PriorEvaluation, ...] = ()
    ) -> None:
        """`fit`: of the surrogate. `cheap`: the objectives whose costs are computed without an evaluation.

        `prior`: what is known before the first proposal; of other fidelities only what cannot be trained, which no
        number of epochs changes. Raises SpecError if nothing is searched, or if all objectives are known, so that there
        is nothing to be learnt; HistoryError for priors with another number of costs.
        """
        if not plan.space.dimensions:
            raise SpecError("mobo needs a hyperparameter to search, but all are fixed", do="give at least one a range")
        if cheap is not None and len(cheap.indices) >= plan.objectives:
            raise SpecError(
                "mobo needs an objective to learn, but all are known before training",
                do="add one that is measured, e.g. the error",
            )
        self._plan = plan
        for item in prior:
            self._check_costs(item)
        self._prior = tuple(
            item for item in prior if item.fidelity == plan.fidelity or item.outcome is Outcome.INFEASIBLE
        )
        # What is known already replaces the design, as the paper's second phase begins from BOHB's data.
        cheap_costs = sum(item.outcome is Outcome.OK for item in self._prior)
        wanted = plan.least_for_model if cheap_costs else max(plan.initial, plan.least_for_model)
        self._initial = max(wanted - cheap_costs, 0)
        self._maker = BatchMaker(plan, fit, cheap)
        self._history = History()
        self._proposals: list[Proposal] = []
        self._evaluations: list[Evaluation] = []
        self._batch: Batch | None = None

    def ask(self) -> Proposal | Pause:
        number = self._history.next_number
        if number >= self._plan.proposals:
            return Pause.EXHAUSTED
        if self._lacks_pending(number):
            return Pause.WAITING
        batch = self._current_batch(number)
        member = batch.members[number - batch.first]
        proposal = Proposal(
            number=number,
            theta=member.theta,
            fidelity=self._plan.fidelity,
            origin=member.origin,
            evaluations_before=self._history.evaluated,
            notes=member.notes,
        )
        self._history.add(proposal)
        self._proposals.append(proposal)
        return proposal

    def record(self, proposal: Proposal) -> None:
        complete = all(item.name in proposal.theta for item in self._plan.space.dimensions)
        fits = complete and self._plan.space.theta(proposal.theta) == proposal.theta
        if not fits or proposal.fidelity != self._plan.fidelity or self._history.next_number >= self._plan.proposals:
            raise HistoryError(
                f"the stored proposal {proposal.number} at fidelity {proposal.fidelity} does not fit a search of "
                f"{counted(self._plan.proposals, 'proposal')} at fidelity {self._plan.fidelity} in this space"
            )
        self._history.add(proposal)
        self._proposals.append(proposal)

    def tell(self, evaluation: Evaluation) -> None:
        self._check_costs(evaluation)
        self._history.tell(evaluation)
        self._evaluations.append(evaluation)

    def facts(self) -> Mapping[str, int | float]:
        return {
            "planned_proposals": self._plan.proposals,
            "initial_design": self._initial,
            "prior_evaluations": len(self._prior),
            "model_based_share": self._history.model_share,
            **(self._batch.facts if self._batch else {}),
        }

    def _lacks_pending(self, number: int) -> bool:
        """Whether a batch begins for which too little is told, though enough is under way, to fit a model."""
        first, _ = self._bounds(number)
        if number < self._initial or number != first:
            return False
        outcomes = [item.outcome for item in self._prior] + [item.outcome for item in self._evaluations]
        told, pending = outcomes.count(Outcome.OK), number - self._history.evaluated
        return told < self._plan.least_for_model <= told + pending

    def _current_batch(self, number: int) -> Batch:
        first, size = self._bounds(number)
        if self._batch is None or self._batch.first != first:
            before = self._proposals[:first]
            recorded = self._proposals[first:]
            told = recorded[0].evaluations_before if recorded else self._history.evaluated
            records = gather(self._prior, before, self._evaluations[:told])
            self._batch = self._maker.make(first, size, records, initial=first < self._initial)
        return self._batch

    def _check_costs(self, found: Evaluation | PriorEvaluation) -> None:
        if found.outcome is Outcome.OK and len(found.costs) != self._plan.objectives:
            raise HistoryError(
                f"an evaluation has {len(found.costs)} costs where the study has {self._plan.objectives} objectives: "
                "the study's spec or its rows were changed"
            )

    def _bounds(self, number: int) -> tuple[int, int]:
        """First number and size of the batch that a proposal belongs to; the initial design is one batch."""
        if number < self._initial:
            return 0, self._initial
        batch = self._plan.options.batch
        first = number - (number - self._initial) % batch
        return first, min(batch, self._plan.proposals - first)
