"""A study on Jobs whose images only its trainers see: one Job looks at them, by the trainer's own command."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.domain.states import AttemptState, StudyState
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.settings import ClaimMount
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.store import Store
from nago_trainer.attempt.data_check import check_data
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, DatasetSettings, TrialTask
from tests.api_server import ApiServer, Object, api_server
from tests.executor_scene import TIMING
from tests.image_folder import make_images
from tests.job_controller import JobController, end, environment_of, finish, report
from tests.kubernetes_access import ROLE_PREFIX, job_api, kubernetes_settings, study_label
from tests.simulated_executor import succeed
from tests.studies import RECIPE, Orchestrator, create, small_spec

CHECK = "small-data-1"
OLD_TRAINER = "error: argument COMMAND: invalid choice: 'check-data' (choose from 'run', 'warm', 'describe-data')\n"


class Keeper(KubernetesExecutor):
    """Knows the tasks, which real trainers read from the database."""

    tasks: ClassVar[dict[str, TrialTask]] = {}

    def start(self, name: str, task: TrialTask) -> None:
        self.tasks[name] = task
        super().start(name, task)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database is enough: what differs is tested by migrations and stores."""
    return str(shutil.copy(sqlite_template, tmp_path / "nago.sqlite"))


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    make_images(tmp_path / "images")
    return tmp_path / "images"


@pytest.fixture
def dataset(image_folder: Path) -> DatasetSettings:
    """In a volume, as far as the orchestrator knows."""
    return replace(
        RECIPE.dataset, name="folder", path=str(image_folder), channels=3, classes=2, image_rules=IMAGE_RULES
    )


@pytest.fixture
def executor(server: ApiServer, tmp_path: Path) -> Iterator[KubernetesExecutor]:
    settings = kubernetes_settings(
        checkpoints=ClaimMount(claim="nago-checkpoints", mount_path=str(tmp_path / "checkpoints")), gpu_count=1
    )
    made = Keeper(job_api(server), settings, study_label(), role_prefix=ROLE_PREFIX, timing=TIMING)
    yield made
    made.close()


@pytest.fixture
def study(store: Store, dataset: DatasetSettings) -> Study:
    execution = "{parallelism: 1, where: kubernetes, kubernetes: {image: trainer}}"
    spec = small_spec(search="{algorithm: random, proposals: 2}", fidelities="[1]", execution=execution)
    return create(store, spec, replace(RECIPE, dataset=dataset))


def play(server: ApiServer, job: Object) -> None:
    """A trial succeeds; a check of the images is the trainer's own, in this process."""
    name = job["metadata"]["name"]
    if "-data-" not in name:
        result = succeed(Keeper.tasks[name]).result
        assert result is not None
        end(server, name, message=report(server, job, result=result.to_json()))
        return
    code, message = look(server, job)
    end(server, name, code=code, message=message)


def look(server: ApiServer, job: Object) -> tuple[int, str]:
    environment = environment_of(server, job)
    log = Path(environment["NAGO_CHECKPOINTS"]).parent / "termination-log"
    code = check_data({**environment, "NAGO_TERMINATION_LOG": str(log)})
    return code, log.read_text()


def shortly(seconds: float) -> None:
    time.sleep(0.005)


def orchestrate(store: Store, study: Study, executor: KubernetesExecutor) -> Orchestrator:
    return Orchestrator(store, study, executor, sleep=shortly, data_jobs=executor)


def test_the_images_are_looked_at_once_before_the_first_trial(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor
) -> None:
    orchestrator = orchestrate(store, study, executor)
    with JobController(server, play) as cluster:
        assert orchestrator.run() is StudyState.COMPLETED
    assert cluster.played[0] == CHECK
    assert len([name for name in cluster.played if "-data-" in name]) == 1
    found = store.study("small")
    assert found.dataset is not None
    assert (found.dataset.images, found.dataset.classes) == (6, 2)
    assert (found.dataset.class_images, found.dataset.largest) == ({"cat": 3, "dog": 3}, (8, 8))
    assert found.recipe.dataset.fingerprint is not None
    assert found.recipe.dataset.images == 6
    assert {task.dataset.fingerprint for task in Keeper.tasks.values()} >= {found.recipe.dataset.fingerprint}
    told = [event.message for event in orchestrator.events if event.kind is EventKind.IMAGES_CHECKED]
    assert told[0].startswith("images: 6 of 2 classes")
    assert server.jobs() == {}


def test_its_job_is_a_trial_s_but_for_the_gpu_and_the_way_to_the_database(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor
) -> None:
    executor.start_data_check(CHECK, study.recipe.dataset)
    job = server.jobs()[CHECK]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["nago-train", "check-data", "--job"]
    assert container["resources"]["limits"] == {"memory": "2048Mi"}
    assert "NAGO_DATABASE_URL" not in environment_of(server, job)
    assert {mount["name"] for mount in container["volumeMounts"]} >= {"checkpoints"}
    executor.start_data_check(CHECK, study.recipe.dataset)
    assert executor.observe([CHECK])[CHECK].reason != "NameTaken"


def test_without_its_folder_the_study_ends_with_the_sentence_of_the_trainer(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor, image_folder: Path
) -> None:
    shutil.rmtree(image_folder)
    with JobController(server, play) as cluster:
        assert orchestrate(store, study, executor).run() is StudyState.FAILED
    assert "there is no such folder" in str(store.study("small").message)
    assert cluster.played == [CHECK]
    assert store.active_trials(study.id) == ()


def test_images_that_were_changed_when_it_is_resumed_end_the_study_and_what_changed_is_said(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor, image_folder: Path
) -> None:
    orchestrator = orchestrate(store, study, executor)

    def pause(server: ApiServer, job: Object) -> None:
        play(server, job)
        if "-data-" not in job["metadata"]["name"] and store.study("small").state is StudyState.RUNNING:
            store.move_study(study.id, StudyState.PAUSED, message=None, now=study.created_at)

    with JobController(server, pause):
        assert orchestrator.run() is StudyState.PAUSED
    (image_folder / "cat").rename(image_folder / "lynx")
    store.move_study(study.id, StudyState.RUNNING, message=None, now=orchestrator.session().clock())
    with JobController(server, play):
        assert orchestrator.run() is StudyState.FAILED
    assert "the class 'cat' was removed; the class 'lynx' was added" in str(store.study("small").message)
    (image_folder / "lynx").rename(image_folder / "cat")
    store.move_study(study.id, StudyState.RUNNING, message=None, now=orchestrator.session().clock())
    with JobController(server, play):
        assert orchestrator.run() is StudyState.COMPLETED


def test_a_trial_that_finds_other_images_has_them_looked_at_before_it_is_judged(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor, image_folder: Path
) -> None:
    def change(server: ApiServer, job: Object) -> None:
        if "-data-" in job["metadata"]["name"]:
            play(server, job)
            return
        if (image_folder / "cat").exists():
            (image_folder / "cat").rename(image_folder / "lynx")
        failure = {"kind": "defect", "reason": "DataChanged", "message": "the images have changed"}
        end(server, job["metadata"]["name"], code=ExitCode.BAD_TASK, message=report(server, job, failure=failure))

    with JobController(server, change) as cluster:
        assert orchestrate(store, study, executor).run() is StudyState.FAILED
    assert "the class 'cat' was removed" in str(store.study("small").message)
    assert cluster.played == [CHECK, "small-t00000-a1", "small-data-2"]
    assert [trial.state.value for trial in store.active_trials(study.id)] == ["queued"], "no trial is charged with it"


def test_a_trainer_of_before_cannot_look_and_its_study_goes_on_by_its_rules(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor
) -> None:
    def refuse(server: ApiServer, job: Object) -> None:
        if "-data-" in job["metadata"]["name"]:
            end(server, job["metadata"]["name"], code=ExitCode.BAD_TASK, message=OLD_TRAINER)
        else:
            play(server, job)

    Keeper.tasks.clear()
    orchestrator = orchestrate(store, study, executor)
    with JobController(server, refuse):
        assert orchestrator.run() is StudyState.COMPLETED
    told = [event.message for event in orchestrator.events if event.kind is EventKind.IMAGES_CHECKED]
    assert len(told) == 1
    assert "too old for a data check" in told[0]
    assert store.study("small").dataset is None
    assert {task.dataset.image_rules for task in Keeper.tasks.values()} == {FORMER_IMAGE_RULES}
    assert all("image_rules" not in task.to_json()["dataset"] for task in Keeper.tasks.values())


def lose_pod(server: ApiServer, image_folder: Path) -> None:
    finish(server, CHECK, failed=True)


def fail_storage(server: ApiServer, image_folder: Path) -> None:
    (image_folder / "cat/9.png").symlink_to("/proc/self/mem")  # a file by all signs, and an input/output error
    job = server.jobs()[CHECK]
    code = check_data({**environment_of(server, job), "NAGO_TERMINATION_LOG": str(image_folder.parent / "none")})
    (image_folder / "cat/9.png").unlink()
    end(server, CHECK, code=code)


@pytest.mark.parametrize("fail", [lose_pod, fail_storage])
def test_what_says_nothing_about_the_images_is_tried_again(
    store: Store,
    study: Study,
    server: ApiServer,
    executor: KubernetesExecutor,
    image_folder: Path,
    fail: Callable[[ApiServer, Path], None],
) -> None:
    def lose(server: ApiServer, job: Object) -> None:
        if job["metadata"]["name"] == CHECK:
            fail(server, image_folder)
        else:
            play(server, job)

    orchestrator = orchestrate(store, study, executor)
    with JobController(server, lose) as cluster:
        assert orchestrator.run() is StudyState.COMPLETED
    assert cluster.played[:2] == [CHECK, "small-data-2"]
    told = [event.message for event in orchestrator.events if event.kind is EventKind.FAILED]
    assert [text.partition(":")[0] for text in told] == ["data check 1 failed"]
    states = [(check.number, check.state) for check in store.data_checks.last(study.id)]
    assert states == [(2, AttemptState.SUCCEEDED)]


def test_however_many_have_failed_all_are_read_since_the_last_that_ended_well(store: Store, study: Study) -> None:
    now = study.created_at
    for number in range(1, 31):
        store.data_checks.add(study.id, number, now, now)
        state = AttemptState.SUCCEEDED if number == 3 else AttemptState.FAILED
        store.data_checks.end(study.id, replace(store.data_checks.last(study.id)[-1], state=state, ended_at=now))
    assert [check.number for check in store.data_checks.last(study.id)] == list(range(3, 31))


def test_why_it_waits_is_shown_and_a_cancelled_study_leaves_no_job(
    store: Store, study: Study, server: ApiServer, executor: KubernetesExecutor, database_url: str
) -> None:
    orchestrator = orchestrate(store, study, executor)
    engine = connect(database_url)
    seen: list[Any] = []

    def look(seconds: float) -> None:
        shortly(seconds)
        shown = queries.study_status(engine, "small")
        if CHECK in server.jobs() and shown.state is StudyState.RUNNING:
            seen.append(shown.data_check)
            store.move_study(study.id, StudyState.CANCELLED, message="by hand", now=study.created_at)

    orchestrator.sleep = look
    assert orchestrator.run() is StudyState.CANCELLED
    executor.close()
    engine.dispose()
    assert seen[0].state is AttemptState.CREATED
    assert server.jobs() == {}
    assert [check.state for check in store.data_checks.last(study.id)] == [AttemptState.CANCELLED]
    assert store.unsettled_studies() == frozenset()


class KilledError(Exception):
    """Of an orchestrator that is killed."""


@pytest.mark.parametrize("deadly", ["add", "note", "end", "start"])
def test_an_orchestrator_that_is_killed_at_any_step_is_replaced_by_one_that_goes_on(
    store: Store,
    study: Study,
    server: ApiServer,
    executor: KubernetesExecutor,
    monkeypatch: pytest.MonkeyPatch,
    deadly: str,
) -> None:
    """Before the step, and after it."""
    victim: Any = executor if deadly == "start" else store.data_checks
    name = "start_data_check" if deadly == "start" else deadly
    real, calls = getattr(victim, name), []

    def mortal(*arguments: Any, **named: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            raise KilledError
        real(*arguments, **named)
        if len(calls) == 2:
            raise KilledError

    monkeypatch.setattr(victim, name, mortal)
    deaths = 0
    with JobController(server, play) as cluster:
        while store.study("small").state is StudyState.RUNNING:
            try:
                orchestrate(store, store.study("small"), executor).run()
            except KilledError:
                deaths += 1
    assert deaths >= 1, "it may have ended before anybody could note that it ran"
    assert store.study("small").state is StudyState.COMPLETED
    assert [found for found in cluster.played if "-data-" in found] == [CHECK]
    assert store.study("small").dataset is not None
    assert json.dumps(sorted(server.jobs())) == "[]"
