"""Small studies for tests of the whole loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nago_orchestrator.bootstrap import open_session
from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.control_loop.loop import run
from nago_orchestrator.control_loop.session import Session, StopSignal
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.domain.trial_design import build_task, design_trial
from nago_orchestrator.domain.trials import TrainingRecipe, TrialDesign
from nago_orchestrator.executors.port import DataJobs, Executor
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.records import NewStudy, Study
from nago_orchestrator.store.store import Store
from nago_trainer.contract.task import DatasetSettings, TrainingSettings, TrialTask

SMALL_BOHB = """
name: small
seed: 3
space:
  hyperparameters:
    top_nodes: {low: 3, high: 6}
    top_k: 2
    top_p: {low: 0.1, high: 0.9}
    mid_nodes: 1
    mid_p: 0.5
    bottom_nodes: 3
    bottom_k: 2
    bottom_p: 0.5
fidelities: [1, 2, 4]
search: {algorithm: bohb, iterations: 6}
trainer:
  dataset: {name: digits}
  parameter_limit: 3000
execution: {parallelism: 1}
retries: {infrastructure: 3, defect: 1, pause: 0}
"""
RECIPE = TrainingRecipe(
    dataset=DatasetSettings(
        name="digits", path=None, image_size=8, channels=1, classes=10, validation_fraction=0.2, split_seed=0
    ),
    training=TrainingSettings(
        batch_size=64,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=3e-4,
        gradient_clip=5.0,
        label_smoothing=0.0,
        dropout=0.0,
        crop_padding=1,
        horizontal_flip=False,
        cutout=0,
    ),
    parameter_limit=3_000,
    device="cpu",
    threads=1,
    keep_network=False,
)


OF_TODAY = replace(RECIPE, dataset=replace(RECIPE.dataset, test_fraction=0.2))
"""That of a new study of digits, whose searches do not see its test images."""


def small_spec(**changes: str) -> StudySpec:
    """SMALL_BOHB with lines of the file exchanged: `small_spec(execution="{parallelism: 4}")`."""
    lines = SMALL_BOHB.splitlines()
    for key, value in changes.items():
        lines = [line for line in lines if not line.startswith(f"{key}:")] + [f"{key}: {value}"]
    return parse_study_spec("\n".join(lines), "the test's study")


def create(store: Store, spec: StudySpec, recipe: TrainingRecipe = RECIPE) -> Study:
    """The study's row, without asking the trainer about its dataset."""
    new = NewStudy(
        name=spec.name,
        spec=spec.canonical(),
        spec_hash=spec.digest(),
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=recipe,
    )
    return store.create_study(new, datetime.now(UTC))


@dataclass
class Orchestrator:
    """A loop over a study, as the command runs it."""

    store: Store
    study: Study
    executor: Executor
    events: list[Event] = field(default_factory=list)
    stop: StopSignal = field(default_factory=StopSignal)
    sleep: Callable[[float], None] = lambda seconds: None
    data_jobs: DataJobs | None = None

    def session(self) -> Session:
        return open_session(self.store, self.study, self.executor, self.events.append, self.stop, self.data_jobs)

    def run(self, session: Session | None = None) -> StudyState:
        return run(session or self.session(), self.sleep)


def count_trials(store: Store, study_id: int) -> dict[TrialState, int]:
    return {state: count for state, count in store.tally(study_id).trials.items() if count}


def run_to_the_end(store: Store, executor: Executor, **changes: str) -> Orchestrator:
    study = create(store, small_spec(**changes))
    orchestrator = Orchestrator(store, study, executor)
    assert orchestrator.run() is StudyState.COMPLETED
    return orchestrator


def small_task(*, epochs: int = 1, token: str = "0123456789abcdef") -> TrialTask:
    space = small_spec().search_space()
    theta = space.theta({dimension.name: dimension.low for dimension in space.dimensions})
    trial = design_trial(theta, RECIPE, connected=False, replicate=0, architecture_seed=1, training_seed=2)
    design = TrialDesign(
        study="small",
        number=0,
        architecture=dict(trial.architecture),
        width=trial.width,
        parameters=trial.parameters,
        training_seed=2,
        fidelity=epochs,
    )
    return build_task(design, RECIPE, attempt=1, token=token)
