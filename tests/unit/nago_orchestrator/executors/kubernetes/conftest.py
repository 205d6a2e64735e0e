"""An attempt at a trial, the tests' own API server, and executors that use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nago_orchestrator.domain.trial_design import build_task
from nago_orchestrator.domain.trials import TrialDesign
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.timing import ExecutorTiming
from nago_trainer.architecture import HnagTheta, TensorShape, fit_plan, sample_architecture
from nago_trainer.architecture.theta import HYPERPARAMETERS
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, api_server
from tests.executor_scene import TIMING, Clock, Make
from tests.kubernetes_access import ROLE_PREFIX, job_api, kubernetes_settings, study_label
from tests.studies import RECIPE

PAPERS_BEST = {"top_nodes": 8, "top_k": 4, "top_p": 0.2, "mid_nodes": 5, "mid_p": 0.5}
PAPERS_BOTTOM = {"bottom_nodes": 5, "bottom_k": 2, "bottom_p": 0.5}


@pytest.fixture(scope="session")
def task() -> TrialTask:
    fixed = {found.name: found.default for found in HYPERPARAMETERS if not isinstance(found.default, tuple)}
    architecture = sample_architecture(HnagTheta.from_mapping({**fixed, **PAPERS_BEST, **PAPERS_BOTTOM}), 7)
    image = TensorShape(RECIPE.dataset.channels, RECIPE.dataset.image_size)
    width, _ = fit_plan(architecture, image, RECIPE.dataset.classes, 20_000)
    design = TrialDesign(
        study="small",
        number=12,
        architecture=architecture.to_json(),
        width=width,
        parameters=19_000,
        training_seed=5,
        fidelity=4,
    )
    return build_task(design, RECIPE, attempt=1, token="0123456789abcdef0123456789abcdef")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(server: ApiServer, clock: Clock) -> Iterator[Make]:
    made: list[KubernetesExecutor] = []

    def build(timing: ExecutorTiming = TIMING) -> KubernetesExecutor:
        executor = KubernetesExecutor(
            job_api(server), kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=timing, clock=clock
        )
        made.append(executor)
        return executor

    yield build
    for executor in made:
        executor.close()


@pytest.fixture
def executor(make: Make) -> KubernetesExecutor:
    return make()
