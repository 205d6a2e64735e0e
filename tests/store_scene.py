"""A study with one proposal after another, for the store's tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, Proposal
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.domain.trials import NewTrial
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.records import NewStudy, Study
from nago_orchestrator.store.store import Store
from nago_trainer.contract.class_details import ClassDetails
from nago_trainer.contract.reports import EpochRecord, TrialResult
from tests import studies

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

RECIPE = replace(studies.RECIPE, parameter_limit=50_000, keep_network=True)
NEW_STUDY = NewStudy(
    name="digits-demo",
    spec={"name": "digits-demo", "seed": 3, "title": "größer als ε"},
    spec_hash="a" * 64,
    seed=2**63 - 1,
    objectives=(
        Objective(name="accuracy", goal=Goal.MAXIMIZE),
        Objective(name="memory", goal=Goal.MINIMIZE, reference=1e9),
    ),
    recipe=RECIPE,
)
NEW_TRIAL = NewTrial(
    replicate=0,
    architecture={"nodes": 3, "edges": [[0, 1], [1, 2]]},
    architecture_hash="b" * 64,
    nodes=3,
    width=12,
    parameters=49_000,
    flops=2**40,
    bytes_per_sample=2**33,
    architecture_seed=2**62,
    training_seed=11,
    infeasible=None,
)
RESULT = TrialResult(
    validation_accuracy=0.9,
    validation_loss=0.3,
    diverged=False,
    epochs=3,
    seconds=8.0,
    seconds_to_first_step=0.4,
    parameters=49_000,
    device="cpu",
    network=None,
)
DETAILS = ClassDetails(
    measured_on="test",
    class_names=("a", "b"),
    images=(2, 1),
    correct=(1, 1),
    confusions=((0, 1, 1),),
    misclassified=(("a/ü.png", 0, 1, 0.75),),
)
EPOCH = EpochRecord(
    epoch=1,
    training_loss=2.0,
    training_accuracy=0.3,
    validation_loss=1.9,
    validation_accuracy=0.35,
    learning_rate=0.1,
    seconds=1.5,
)
ENDED = Observation(phase=Phase.ENDED)


@dataclass
class Scene:
    """One study in a store, and short ways to put things into it."""

    store: Store
    study: Study

    def __post_init__(self) -> None:
        self._proposals, self._told, self._attempts = count(), count(), count()

    def propose(self, *trials: NewTrial, fidelity: int = 3, generator: int | None = None, **changes: Any) -> int:
        """A proposal with these trials (default: one); its number. Each is of another generator unless it is given."""
        number = next(self._proposals)
        proposal = Proposal(
            number=number,
            theta={"top_nodes": 5, "top_p": 0.25},
            fidelity=fidelity,
            origin=Origin.RANDOM,
            evaluations_before=0,
        )
        theta = {"top_nodes": number if generator is None else generator, "top_p": 0.0}
        self.store.add_proposal(self.study.id, replace(proposal, **changes), theta, trials or (NEW_TRIAL,), NOW)
        return number

    def trial_id(self, number: int) -> int:
        return next(trial.id for trial in self.store.active_trials(self.study.id) if trial.number == number)

    def attempt(self, trial: int, *, gpus: int = 0, running: bool = True, now: datetime = NOW) -> Attempt:
        """The next attempt of a queued trial."""
        place = next(self._attempts)
        new = self.store.add_attempt(
            self.trial_id(trial),
            NewAttempt(name=f"a-{place}", token=f"token-{place}", executor="local", gpus=gpus),
            now,
        )
        if running:
            self.store.mark_running(new.id, node="here", uid=str(place), now=now)
        return new

    def succeed(self, trial: int, result: TrialResult = RESULT, *, gpus: int = 0, seconds: float = 10.0) -> None:
        attempt = self.attempt(trial, gpus=gpus)
        self.store.accept_result(attempt.id, result, observation=ENDED, now=NOW + timedelta(seconds=seconds))

    def fail(
        self,
        attempt: Attempt,
        failure: Failure,
        trial_to: TrialState,
        *,
        now: datetime = NOW,
        **seen: Any,
    ) -> None:
        self.store.end_attempt(
            attempt.id,
            state=AttemptState.FAILED,
            failure=failure,
            observation=replace(ENDED, **seen),
            trial_to=trial_to,
            not_before=None,
            now=now,
        )

    def evaluate(
        self,
        proposal: int,
        *costs: float,
        outcome: Outcome = Outcome.OK,
        samples: int = 1,
    ) -> Evaluation:
        new = Evaluation(
            proposal=proposal,
            number=next(self._told),
            outcome=outcome,
            values={item.name: item.cost(cost) for item, cost in zip(self.study.objectives, costs, strict=False)},
            costs=costs,
            samples=samples,
        )
        self.store.add_evaluation(self.study.id, new, NOW)
        return new
