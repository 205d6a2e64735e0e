"""`mobohb`: the Pareto front by Hyperband's brackets, promotion by domination and densities of good and bad thetas.

Its brackets are BOHB's (Falkner et al., 2018), but without their barrier, and a slot on a higher rung goes to the best
configuration of any bracket. One model is fitted to the observations of every fidelity. Proposal i is drawn by
`seeds.proposal(study seed, i)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, PriorEvaluation, Proposal, Theta
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.history import History
from nago_orchestrator.search.proposers.mobohb.brackets import Brackets, Slot
from nago_orchestrator.search.proposers.mobohb.observations import Observations
from nago_orchestrator.search.proposers.mobohb.promotion import choose_promoted
from nago_orchestrator.search.proposers.mobohb.sampler import Drawn, Sampler
from nago_orchestrator.search.proposers.mobohb.settings import DensityOptions
from nago_orchestrator.search.proposers.port import HistoryError, Pause
from nago_trainer.architecture import canonical


@dataclass(slots=True)
class _Rung:
    """All brackets' results at one fidelity."""

    proposals: list[int] = field(default_factory=list)
    costs: list[tuple[float, ...]] = field(default_factory=list)
    """Finite ones alone: what failed or diverged is never promoted."""
    promoted: list[int] = field(default_factory=list)
    """Rows of the two above."""

    @property
    def candidates(self) -> list[int]:
        return sorted(set(range(len(self.proposals))) - set(self.promoted))


class Mobohb:
    """Proposes until the slots of `brackets` brackets over `fidelities` are taken."""

    def __init__(  # noqa: PLR0913  # each a setting of its own, given by name
        self,
        *,
        space: SearchSpace,
        study_seed: int,
        fidelities: tuple[int, ...],
        brackets: int,
        prior: tuple[PriorEvaluation, ...] = (),
        options: DensityOptions | None = None,
        continues: bool = False,
    ) -> None:
        """`continues`: whether each trial is the beginning of a run of the last fidelity.

        `prior` is added to the densities' observations; it is not promoted, and its thetas are not proposed again.

        Raises SpecError if nothing is searched or the fidelities is not geometric.
        """
        if not space.dimensions:
            raise SpecError(
                "mobohb needs a hyperparameter to search, but all are fixed", do="give at least one a range"
            )
        self._space = space
        self._study_seed = study_seed
        self._run_of = fidelities[-1] if continues else None
        self._encoding = Encoding(space)
        self._sampler = Sampler(space, self._encoding, options or DensityOptions())
        self._brackets = Brackets(fidelities, brackets)
        self._rungs = {fidelity: _Rung() for fidelity in fidelities}
        self._observations = Observations(self._encoding)
        self._history = History()
        self._slots: list[Slot] = []
        """By number of their proposal."""
        self._thetas: list[Theta] = []
        """As the slots."""
        self._pending: dict[int, Theta] = {}
        """New configurations under way, by number of their proposal."""
        self._proposed: set[GeneratorKey] = set()
        for evaluation in prior:
            self._observe(evaluation)
            self._proposed.add(generator_key(canonical(evaluation.theta)))

    def ask(self) -> Proposal | Pause:
        found = self._next(self._draw)
        if found is None:
            return Pause.EXHAUSTED if self._brackets.is_full else Pause.WAITING
        self._add(*found)
        return found[1]

    def record(self, proposal: Proposal) -> None:
        self._history.check_next(proposal)
        complete = all(dimension.name in proposal.theta for dimension in self._space.dimensions)
        found = self._next(lambda: self._stored(proposal)) if complete else None
        if found is None or found[1] != proposal:
            raise HistoryError(
                f"the stored proposal {proposal.number} does not follow from the search settings: "
                "the study's spec or its rows were changed"
            )
        self._add(found[0], proposal)

    def tell(self, evaluation: Evaluation) -> None:
        proposal = self._history.tell(evaluation)
        self._pending.pop(proposal.number, None)
        self._brackets.report(self._slots[proposal.number])
        if evaluation.outcome is Outcome.LOST:
            return
        prior = PriorEvaluation(
            theta=proposal.theta,
            fidelity=proposal.fidelity,
            outcome=evaluation.outcome,
            costs=evaluation.costs,
            samples=evaluation.samples,
        )
        self._observe(prior)
        if evaluation.outcome is Outcome.OK and all(map(math.isfinite, evaluation.costs)):
            rung = self._rungs[proposal.fidelity]
            rung.proposals.append(proposal.number)
            rung.costs.append(evaluation.costs)

    def facts(self) -> Mapping[str, int | float]:
        return {
            "planned_proposals": self._brackets.planned_runs,
            "brackets_started": self._brackets.started,
            "model_based_share": self._history.model_share,
            **{f"points_at_fidelity_{fidelity}": count for fidelity, count in self._observations.points().items()},
        }

    def _observe(self, evaluation: PriorEvaluation) -> None:
        costs = evaluation.costs if evaluation.outcome is Outcome.OK else None
        self._observations.add(evaluation.theta, evaluation.fidelity, costs)

    def _next(self, draw: Callable[[], Drawn]) -> tuple[Slot, Proposal] | None:
        """What would be proposed, and for which slot; `draw` is called if it is a new configuration."""
        slot = self._brackets.next_slot(lambda fidelity: bool(self._rungs[fidelity].candidates))
        if slot is None:
            return None
        if slot.promoted_from is None:
            return slot, self._proposal(slot, draw(), None)
        return slot, self._proposal(slot, *self._promoted(self._rungs[slot.promoted_from]))

    def _promoted(self, rung: _Rung) -> tuple[Drawn, int]:
        row = choose_promoted(np.array(rung.costs), rung.promoted, rung.candidates)
        parent = rung.proposals[row]
        notes = {"chosen_from": len(rung.candidates)}
        return Drawn(theta=self._thetas[parent], origin=Origin.PROMOTION, notes=notes), parent

    def _draw(self) -> Drawn:
        seed = seeds.proposal(self._study_seed, self._history.next_number)
        rng = np.random.Generator(np.random.PCG64(seed))
        return self._sampler.draw(rng, self._observations, list(self._pending.values()), self._proposed)

    def _stored(self, proposal: Proposal) -> Drawn:
        return Drawn(theta=self._space.theta(proposal.theta), origin=proposal.origin, notes=proposal.notes)

    def _proposal(self, slot: Slot, drawn: Drawn, parent: int | None) -> Proposal:
        return Proposal(
            number=self._history.next_number,
            theta=drawn.theta,
            fidelity=slot.fidelity,
            origin=drawn.origin,
            bracket=slot.bracket,
            rung=slot.rung,
            slot=slot.index,
            parent=parent,
            run_of=self._run_of,
            evaluations_before=self._history.evaluated,
            notes=drawn.notes,
        )

    def _add(self, slot: Slot, proposal: Proposal) -> None:
        self._history.add(proposal)
        self._brackets.take(slot)
        self._slots.append(slot)
        self._thetas.append(proposal.theta)
        if slot.promoted_from is None or proposal.parent is None:
            self._pending[proposal.number] = proposal.theta
            self._proposed.add(generator_key(canonical(proposal.theta)))
        else:
            rung = self._rungs[slot.promoted_from]
            rung.promoted.append(rung.proposals.index(proposal.parent))
