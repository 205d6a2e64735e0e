"""From the trials of a proposal to the one evaluation that the proposer is told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Evaluation, Outcome
from nago_orchestrator.domain.states import TrialState
from nago_orchestrator.evaluation.metrics import METRICS, REPORTED, EndedTrial


def evaluate(
    proposal: int, trials: Sequence[EndedTrial], objectives: Sequence[Objective], *, number: int
) -> Evaluation:
    """The mean of each objective over the architectures that were trained and measured.

    Without any: infeasible if that is what a trial was found to be, else lost, from which no proposer learns.
    """
    measures = [objective.name for objective in objectives if objective.name in REPORTED]
    trained = [
        trial
        for trial in trials
        if trial.result is not None and None not in (METRICS[name].value(trial) for name in measures)
    ]
    if not trained:
        infeasible = any(trial.state is TrialState.INFEASIBLE for trial in trials)
        outcome = Outcome.INFEASIBLE if infeasible else Outcome.LOST
        return Evaluation(proposal=proposal, number=number, outcome=outcome, values={}, costs=(), samples=0)
    # A size that an older trial does not say counts as 0.
    values = {
        objective.name: fmean(METRICS[objective.name].value(trial) or 0.0 for trial in trained)
        for objective in objectives
    }
    costs = tuple(objective.cost(values[objective.name]) for objective in objectives)
    return Evaluation(
        proposal=proposal, number=number, outcome=Outcome.OK, values=values, costs=costs, samples=len(trained)
    )
