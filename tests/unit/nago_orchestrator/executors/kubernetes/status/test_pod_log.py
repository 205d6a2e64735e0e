"""A pod's log, followed through all that may come between."""

from __future__ import annotations

import pytest

from nago_orchestrator.executors.kubernetes.api.errors import ApiForbiddenError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.status.pod_log import PodLog, read_moment
from nago_trainer.contract.task import TrialTask
from tests.api_server import ApiServer, Fault
from tests.job_controller import begin, end, pod_of, scheduled
from tests.kubernetes_access import job_api, kubernetes_settings, study_label
from tests.waiting import PATIENCE_SECONDS

NAME = "small-t00012-a1"
POD = f"{NAME}-x7k2p"


@pytest.fixture(autouse=True)
def job(server: ApiServer, task: TrialTask) -> None:
    server.put("jobs", build_job(NAME, task, study_label(), kubernetes_settings()))


class Scene:
    """Each pause is a step of what happens meanwhile."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.steps: list[object] = []
        self.said: list[str] = []

    def log(self) -> PodLog:
        return PodLog(job_api(self.server), NAME, sleep=lambda _: self._step())

    def _step(self) -> None:
        step = self.steps.pop(0)
        assert callable(step)
        step()

    def follow(self, tail: int | None = None) -> list[str]:
        return list(self.log().follow(tail, lambda: bool(self.steps), self.said.append))

    def write(self, *lines: str) -> None:
        self.server.logs[POD] = self.server.logs.get(POD, "") + "".join(f"{line}\n" for line in lines)


@pytest.fixture
def scene(server: ApiServer) -> Scene:
    return Scene(server)


def run_out(scene: Scene) -> None:
    """The trainer prints its last lines and ends."""
    scene.write("epoch 2", "epoch 3")
    end(scene.server, NAME)


def test_it_waits_for_pod_and_container_and_ends_with_them(server: ApiServer, scene: Scene) -> None:
    creating = {"name": "trainer", "state": {"waiting": {"reason": "ContainerCreating"}}}
    pending = pod_of(server.jobs()[NAME], conditions=[scheduled()], containerStatuses=[creating])

    def ended() -> None:
        begin(server, NAME)
        scene.write("epoch 1")
        run_out(scene)

    scene.steps = [lambda: server.put("pods", pending), lambda: None, ended]
    assert scene.follow() == ["epoch 1", "epoch 2", "epoch 3"]
    assert scene.said == [
        "the attempt has no pod, either not yet or no longer",
        *["its container is being created"] * 2,
    ]


def test_a_stream_that_breaks_off_goes_on_where_it_was(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    scene.write("epoch 1", "", "  epoch 2")
    server.cut_log_after = [1, 1, 3]
    scene.steps = [lambda: None, lambda: None, lambda: run_out(scene), lambda: None]
    assert scene.follow() == ["epoch 1", "", "  epoch 2", "epoch 2", "epoch 3"]
    assert scene.said == []


def test_what_the_node_says_about_the_log_is_no_line_of_it(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    error = "unable to retrieve container logs for containerd://5f3c"
    scene.write("epoch 1", error)
    end(server, NAME)
    assert scene.follow() == ["epoch 1"]
    assert set(scene.said) == {f"the node says: {error}"}
    assert scene.log().read(None, scene.said.append) == ["epoch 1"]


def test_a_line_without_its_end_is_not_lost(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    server.logs[POD] = "epoch 1\nKilled"
    end(server, NAME, code=137)
    assert scene.follow() == ["epoch 1", "Killed"]


def test_a_stream_without_a_word_is_opened_anew(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    scene.write("epoch 1")
    log = scene.log()
    log.silence_seconds = 0.1

    def go_on() -> None:
        log.silence_seconds = PATIENCE_SECONDS
        run_out(scene)

    scene.steps = [go_on, lambda: None]
    assert list(log.follow(None, lambda: bool(scene.steps), scene.said.append)) == ["epoch 1", "epoch 2", "epoch 3"]
    assert len(scene.steps) == 1, "it paused once, when the stream had been silent"


def test_an_api_server_that_is_away_for_a_while_is_waited_for(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    scene.write("epoch 1")
    server.cut_log_after = [1]
    server.faults.append(Fault(path="/pods", status=503, message="etcd is away", times=6))
    scene.steps = [lambda: None, lambda: run_out(scene), lambda: None]
    assert scene.follow() == ["epoch 1", "epoch 2", "epoch 3"]
    assert "etcd is away" in scene.said[0]


def test_a_pod_that_is_gone_ends_with_its_attempt(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    scene.write("epoch 1")
    server.cut_log_after = [1]
    scene.steps = [lambda: server.remove("pods", POD), lambda: None]
    assert scene.follow() == ["epoch 1"]


def test_without_the_right_it_says_so(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    server.faults.append(Fault(path="/log", status=403, message="cannot get resource pods/log", times=9))
    with pytest.raises(ApiForbiddenError, match="pods/log"):
        scene.follow()


def test_the_last_lines_alone_can_be_had(server: ApiServer, scene: Scene) -> None:
    begin(server, NAME)
    scene.write("epoch 1", "epoch 2")
    end(server, NAME)
    assert scene.log().read(None, scene.said.append) == ["epoch 1", "epoch 2"]
    assert scene.log().read(1, scene.said.append) == ["epoch 2"]
    assert scene.follow(1) == ["epoch 2"]


def test_without_a_pod_there_is_nothing_to_read(scene: Scene) -> None:
    assert scene.log().read(None, scene.said.append) is None
    assert scene.said == ["the attempt has no pod, either not yet or no longer"]


def test_moments_are_ordered_to_the_nanosecond_and_over_zones() -> None:
    stamps = [
        "2026-05-04T14:00:00.6+02:00",
        "2026-05-04T12:00:00.65Z",
        "2026-05-04T12:00:00.650000001Z",
        "2026-05-04T12:00:01Z",
    ]
    moments = [read_moment(stamp) for stamp in stamps]
    assert all(moments)
    assert moments == sorted(moment for moment in moments if moment)
    assert read_moment("epoch") is None
