"""BOHB (Falkner, Klein and Hutter, 2018): Hyperband's brackets, filled by a density model, as HpBandSter does it.

For the same study seed and the same results the proposals are those of HpBandSter's classes. Proposal i is drawn
with numpy's global generator seeded by the first four 32-bit words of `seeds.proposal(study seed, i)` and with the
ConfigSpace seeded by the fifth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.search.proposers.bohb.brackets import Brackets, Run
from nago_orchestrator.search.proposers.bohb.sampler import Configuration, DensityModel
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions
from nago_orchestrator.search.proposers.history import History
from nago_orchestrator.search.proposers.port import HistoryError, Pause


class Bohb:
    """Proposes until `brackets` brackets over `fidelities` are complete."""

    def __init__(  # noqa: PLR0913  # each a setting of its own, given by name
        self,
        *,
        space: SearchSpace,
        study_seed: int,
        fidelities: tuple[int, ...],
        brackets: int,
        objective: int = 0,
        options: ModelOptions | None = None,
        prior: tuple[PriorEvaluation, ...] = (),
        continues: bool = False,
    ) -> None:
        """`continues`: whether each trial is the beginning of a run of the last fidelity.

        `objective` is the index among an evaluation's costs of the one to be minimised; `prior` is added to the
        model only.

        Raises SpecError if nothing is searched or the fidelities is not geometric.
        """
        if not space.dimensions:
            raise SpecError("BOHB needs a hyperparameter to search, but all are fixed", do="give at least one a range")
        self._space = space
        self._searched = frozenset(item.name for item in space.dimensions)
        self._study_seed = study_seed
        self._objective = objective
        self._run_of = fidelities[-1] if continues else None
        self._brackets = Brackets(fidelities, brackets)
        self._model = DensityModel(space.dimensions, options or ModelOptions())
        self._history = History()
        self._runs: dict[int, Run] = {}
        """Those that are pending, by number of their proposal."""
        self._newest: dict[tuple[int, int, int], int] = {}
        """Number of the newest proposal of each configuration."""
        self._drawn = Origin.RANDOM
        """How the newest configuration was drawn."""
        for known in prior:
            if known.fidelity in fidelities and known.outcome is not Outcome.LOST:
                self._model.learn(space.searched(known.theta), known.fidelity, self._loss(known))

    def ask(self) -> Proposal | Pause:
        run = self._brackets.next_run(self._draw)
        if run is None:
            return Pause.EXHAUSTED if self._brackets.finished else Pause.WAITING
        return self._add(run, self._drawn)

    def record(self, proposal: Proposal) -> None:
        self._history.check_next(proposal)
        complete = proposal.theta.keys() >= self._searched
        run = self._brackets.next_run(lambda _: self._space.searched(proposal.theta)) if complete else None
        if run is None or self._add(run, proposal.origin) != proposal:
            raise HistoryError(
                f"the stored proposal {proposal.number} does not follow from the search settings: "
                "the study's spec or its rows were changed"
            )

    def tell(self, evaluation: Evaluation) -> None:
        run = self._runs.pop(self._history.tell(evaluation).number)
        loss = self._loss(evaluation)
        self._brackets.report(run, loss)
        if evaluation.outcome is not Outcome.LOST:
            self._model.learn(run.configuration, run.fidelity, loss)

    def facts(self) -> Mapping[str, int | float]:
        return {
            "planned_proposals": self._brackets.planned_runs,
            "brackets_started": self._brackets.started,
            "model_fidelity": self._model.fidelity or 0,
            "model_based_share": self._history.model_share,
            **{f"points_at_fidelity_{fidelity}": count for fidelity, count in self._model.points().items()},
        }

    def _loss(self, found: Evaluation | PriorEvaluation) -> float:
        """Infinite for whatever has no finite cost."""
        cost = found.costs[self._objective] if found.outcome is Outcome.OK else math.inf
        return cost if math.isfinite(cost) else math.inf

    def _draw(self, fidelity: int) -> Configuration:
        seed = seeds.proposal(self._study_seed, self._history.next_number)
        values, self._drawn = self._model.draw(seed, fidelity)
        return self._space.searched(values)

    def _add(self, run: Run, origin: Origin) -> Proposal:
        """`origin` is that of a new configuration; one that was proposed before is a promotion."""
        parent = self._newest.get(run.key)
        proposal = Proposal(
            number=self._history.next_number,
            theta=self._space.complete(run.configuration),
            fidelity=run.fidelity,
            origin=origin if parent is None else Origin.PROMOTION,
            bracket=run.key[0],
            rung=run.rung,
            slot=run.key[2],
            parent=parent,
            run_of=self._run_of,
            evaluations_before=self._history.evaluated,
        )
        self._history.add(proposal)
        self._runs[proposal.number] = run
        self._newest[run.key] = proposal.number
        return proposal
