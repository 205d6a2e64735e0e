"""What every executor owes the loop, wherever its attempts run: one class of tests, run on each.

Local attempts are real processes; Jobs run on the tests' own API server, whose controller is played by a thread.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import pytest

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.errors import ExecutorError
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.local.executor import LocalExecutor
from nago_orchestrator.executors.port import Executor
from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.data_report import ClassCount, DataReport
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Fault, Object, api_server
from tests.executor_scene import TIMING
from tests.job_controller import JobController, begin, end, report
from tests.kubernetes_access import ROLE_PREFIX, job_api, kubernetes_settings, study_label
from tests.recent_cluster import complete_job, end_trainer, fail_job, run_pod
from tests.simulated_executor import succeed
from tests.studies import RECIPE, small_task
from tests.waiting import PATIENCE_SECONDS, until

_numbers = itertools.count()


ANSWER = DataAnswer(
    report=DataReport(
        channels=1,
        images=4,
        training=2,
        validation=2,
        classes=(ClassCount(name="cat", images=4, training=2, validation=2),),
        smallest=(8, 8),
        largest=(8, 9),
        fingerprint="a" * 64,
    ),
    classes=1,
)


class Course(Enum):
    """How a training goes."""

    SUCCEEDS = auto()
    FAILS = auto()
    RUNS = auto()
    """Until it is stopped."""


class Place(Protocol):
    """Where attempts run, and what the tests may arrange there."""

    def executor(self) -> Executor:
        """A further one for the same study, as the next orchestrator has."""
        ...

    def task(self, name: str, course: Course) -> TrialTask:
        """For the attempt of that name."""
        ...

    def refuse_one(self, names: Collection[str]) -> None:
        """One of these attempts cannot be started."""
        ...

    def count(self, name: str) -> int:
        """How often the training of that name began."""
        ...


def new_name() -> str:
    return f"small-t{next(_numbers):05d}-a1"


def wait_for(executor: Executor, name: str, wanted: Callable[[Observation], bool]) -> Observation:
    seen: dict[str, Observation] = {}

    def is_seen() -> bool:
        seen.update(executor.observe([name]))
        return wanted(seen[name])

    until(is_seen, lambda: seen)
    return seen[name]


def phase_is(*phases: Phase) -> Callable[[Observation], bool]:
    return lambda seen: seen.phase in phases


class ExecutorContract:
    """Subclasses have a fixture `place`."""

    @pytest.fixture
    def executor(self, place: Place) -> Executor:
        return place.executor()

    def test_it_has_a_name(self, executor: Executor) -> None:
        assert executor.name in ("local", "kubernetes")
        assert isinstance(executor.reads_stored_tasks, bool)

    def test_every_name_is_observed_and_what_was_never_started_is_absent(self, executor: Executor) -> None:
        names = [new_name(), new_name()]
        seen = executor.observe(names)
        assert {name: found.phase for name, found in seen.items()} == dict.fromkeys(names, Phase.ABSENT)
        assert executor.observe([]) == {}

    def test_an_attempt_goes_on_to_its_result(self, place: Place, executor: Executor) -> None:
        name = new_name()
        executor.start(name, place.task(name, Course.SUCCEEDS))
        seen = wait_for(executor, name, lambda seen: seen.phase is Phase.ENDED and seen.exit_code is not None)
        assert seen.result is not None
        assert (seen.exit_code, seen.failure, seen.reason, seen.message) == (ExitCode.DONE, None, None, None)
        assert seen.ended_at is not None
        again = executor.observe([name])[name]
        assert (again.phase, again.result) == (Phase.ENDED, seen.result), "an end is for good"

    def test_a_failure_has_a_kind_a_reason_and_a_sentence(self, place: Place, executor: Executor) -> None:
        name = new_name()
        executor.start(name, place.task(name, Course.FAILS))
        seen = wait_for(executor, name, lambda seen: seen.phase is Phase.ENDED and seen.exit_code is not None)
        assert (seen.result, seen.failure, seen.exit_code) == (None, Failure.DEFECT, ExitCode.BAD_TASK)
        assert seen.reason
        assert seen.message
        assert "\n" not in seen.message

    def test_a_started_attempt_is_never_absent_before_it_runs(self, place: Place, executor: Executor) -> None:
        name = new_name()
        executor.start(name, place.task(name, Course.RUNS))
        seen = wait_for(executor, name, lambda seen: seen.phase is not Phase.PENDING)
        assert seen.phase is Phase.RUNNING
        assert seen.uid

    def test_starting_again_changes_nothing_also_for_the_next_orchestrator(
        self, place: Place, executor: Executor
    ) -> None:
        name = new_name()
        task = place.task(name, Course.RUNS)
        executor.start(name, task)
        executor.start(name, task)
        first = wait_for(executor, name, phase_is(Phase.RUNNING))
        heir = place.executor()
        heir.start(name, task)
        second = wait_for(heir, name, phase_is(Phase.RUNNING))
        assert second.uid == first.uid
        assert place.count(name) == 1

    def test_several_are_started_at_once(self, place: Place, executor: Executor) -> None:
        names = [new_name() for _ in range(3)]
        executor.start_all({name: place.task(name, Course.RUNS) for name in names})
        until(lambda: {seen.phase for seen in executor.observe(names).values()} == {Phase.RUNNING})

    def test_one_that_cannot_be_started_does_not_keep_the_others(self, place: Place, executor: Executor) -> None:
        names = [new_name() for _ in range(3)]
        place.refuse_one(names)
        with suppress(ExecutorError):
            executor.start_all({name: place.task(name, Course.RUNS) for name in names})
        until(lambda: sum(place.count(name) for name in names) == 2)

    def test_an_end_is_news_until_it_is_observed(self, place: Place, executor: Executor) -> None:
        name = new_name()
        executor.start(name, place.task(name, Course.RUNS))
        wait_for(executor, name, phase_is(Phase.RUNNING))
        place.executor().stop(name, grace_seconds=0)
        while executor.observe([name])[name].phase is Phase.RUNNING:
            until(executor.has_news)
        until(lambda: executor.observe([name]) and not executor.has_news(), lambda: "what was observed is no news")

    def test_a_stopped_attempt_ends_without_a_verdict(self, place: Place, executor: Executor) -> None:
        name = new_name()
        executor.start(name, place.task(name, Course.RUNS))
        wait_for(executor, name, phase_is(Phase.RUNNING))
        executor.stop(name, grace_seconds=5)
        executor.stop(name, grace_seconds=5)
        seen = wait_for(executor, name, phase_is(Phase.ENDED, Phase.ABSENT))
        assert seen.result is None
        assert seen.phase is Phase.ABSENT or seen.failure is Failure.INFRASTRUCTURE

    def test_stopping_what_was_never_started_is_harmless(self, executor: Executor) -> None:
        executor.stop(new_name(), grace_seconds=0)

    def test_closing_leaves_what_runs_to_the_next_orchestrator(self, place: Place) -> None:
        name = new_name()
        first = place.executor()
        first.start(name, place.task(name, Course.RUNS))
        uid = wait_for(first, name, phase_is(Phase.RUNNING)).uid
        first.close()
        assert wait_for(place.executor(), name, phase_is(Phase.RUNNING)).uid == uid
        assert place.count(name) == 1


@dataclass
class Folder:
    """Attempts are processes that train for real."""

    root: Path
    executors: list[LocalExecutor] = field(default_factory=list)

    def executor(self) -> Executor:
        self.executors.append(LocalExecutor(self.root, exit_status_seconds=PATIENCE_SECONDS))
        return self.executors[-1]

    def task(self, name: str, course: Course) -> TrialTask:
        if course is Course.FAILS:
            return replace(small_task(), parameters=7)
        return small_task(epochs=1 if course is Course.SUCCEEDS else 100_000)

    def refuse_one(self, names: Collection[str]) -> None:
        self.root.mkdir(exist_ok=True)
        (self.root / next(iter(names))).write_text("a file where a folder should be")

    def count(self, name: str) -> int:
        """A folder is claimed once; a second process would be refused, and say so in the log."""
        folder = self.root / name
        if not (folder / "claim.json").exists():
            return 0
        return 1 + (folder / "log.txt").read_text().count("already claimed")

    def close(self) -> None:
        for claim in self.root.glob("*/claim.json"):
            self.executors[0].stop(claim.parent.name, grace_seconds=0)
        for executor in self.executors:
            executor.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """One for all tests: its executor's fork server takes seconds to load torch."""
    made = Folder(tmp_path_factory.mktemp("runs"))
    made.executor()
    yield made
    made.close()


@pytest.mark.slow
class TestLocalExecutor(ExecutorContract):
    @pytest.fixture
    def place(self, folder: Folder) -> Folder:
        return folder

    @pytest.fixture
    def executor(self, folder: Folder) -> Executor:
        return folder.executors[0]


@dataclass
class Cluster:
    """Attempts are Jobs that a thread plays."""

    server: ApiServer
    courses: dict[str, Course] = field(default_factory=dict)
    tasks: dict[str, TrialTask] = field(default_factory=dict)
    executors: list[KubernetesExecutor] = field(default_factory=list)

    def executor(self) -> Executor:
        made = KubernetesExecutor(
            job_api(self.server), kubernetes_settings(), study_label(), role_prefix=ROLE_PREFIX, timing=TIMING
        )
        self.executors.append(made)
        return made

    def task(self, name: str, course: Course) -> TrialTask:
        self.courses[name] = course
        self.tasks[name] = small_task()
        return self.tasks[name]

    def refuse_one(self, names: Collection[str]) -> None:
        self.server.faults.append(Fault(method="POST", path="/jobs", status=403, message="denied by a webhook"))

    def count(self, name: str) -> int:
        return sum(
            (collection, kind, item["metadata"]["name"]) == ("jobs", "ADDED", name)
            for _, collection, kind, item in list(self.server.history)
        )

    def play(self, server: ApiServer, job: Object) -> None:
        name = job["metadata"]["name"]
        if self.courses[name] is Course.FAILS:
            end(server, name, code=ExitCode.BAD_TASK)
        if self.courses[name] is Course.SUCCEEDS:
            end(server, name, message=self.reported(job))

    def reported(self, job: Object) -> str:
        name = job["metadata"]["name"]
        if name not in self.tasks:
            return report(self.server, job, data=ANSWER.packed(3000))
        result = succeed(self.tasks[name]).result
        assert result is not None
        return report(self.server, job, result=result.to_json())


class RecentCluster(Cluster):
    """Its pods have finalizers, and its Jobs further conditions before the last."""

    def play(self, server: ApiServer, job: Object) -> None:
        name = job["metadata"]["name"]
        if self.courses[name] is Course.FAILS:
            end_trainer(server, name, code=ExitCode.BAD_TASK)
            deque(fail_job(server, name, code=ExitCode.BAD_TASK), maxlen=0)
        if self.courses[name] is Course.SUCCEEDS:
            end_trainer(server, name, message=self.reported(job))
            deque(complete_job(server, name), maxlen=0)


class TestKubernetesExecutor(ExecutorContract):
    @pytest.fixture(params=[(Cluster, begin), (RecentCluster, run_pod)], ids=["old", "recent"])
    def place(self, request: pytest.FixtureRequest) -> Iterator[Cluster]:
        kind, begins = request.param
        with api_server() as server:
            cluster: Cluster = kind(server)
            with JobController(server, cluster.play, begin=begins):
                yield cluster
            for executor in cluster.executors:
                executor.close()

    @pytest.fixture
    def checks(self, place: Cluster, executor: Executor) -> KubernetesExecutor:
        return place.executors[0]

    def test_a_data_check_goes_on_to_its_answer(self, place: Cluster, checks: KubernetesExecutor) -> None:
        place.courses["small-data-1"] = Course.SUCCEEDS
        checks.start_data_check("small-data-1", RECIPE.dataset)
        seen = wait_for(checks, "small-data-1", phase_is(Phase.ENDED))
        assert (seen.data, seen.failure, seen.reason, seen.result) == (ANSWER, None, None, None)

    def test_a_data_check_is_adopted_and_stopped_like_an_attempt(
        self, place: Cluster, checks: KubernetesExecutor
    ) -> None:
        place.courses["small-data-1"] = Course.RUNS
        checks.start_data_check("small-data-1", RECIPE.dataset)
        wait_for(checks, "small-data-1", phase_is(Phase.RUNNING))
        place.executor()
        _, following = place.executors
        following.start_data_check("small-data-1", RECIPE.dataset)
        wait_for(following, "small-data-1", phase_is(Phase.RUNNING))
        assert place.count("small-data-1") == 1
        following.stop("small-data-1", grace_seconds=0.0)
        wait_for(following, "small-data-1", phase_is(Phase.ABSENT, Phase.ENDED))
        until(lambda: place.server.jobs() == {}, lambda: place.server.jobs())

    def test_a_data_check_that_fails_has_no_answer(self, place: Cluster, checks: KubernetesExecutor) -> None:
        place.courses["small-data-1"] = Course.FAILS
        checks.start_data_check("small-data-1", RECIPE.dataset)
        seen = wait_for(checks, "small-data-1", phase_is(Phase.ENDED))
        assert (seen.data, seen.failure, seen.reason) == (None, Failure.DEFECT, "ExitCode64")
