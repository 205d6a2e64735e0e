"""Trials that cannot be trained: each study stops with the right cause, and one that has to wait is no failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from tests.cluster.documents import Document
from tests.cluster.pods.site import Site

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
SOON = {"unschedulable": 15, "image": 15, "container": 15}
"""Patience, in seconds."""
GPU = "nvidia.com/gpu"
QUOTA = 2


def trainer_runs(command: str) -> Document:
    """For the section `kubernetes`: the trainer's container runs a shell. Kubernetes makes one $ of two."""
    template = {"spec": {"containers": [{"name": "trainer", "command": ["sh", "-c", command]}]}}
    return {"pod_template": template, "allow_unsafe_template": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    failure: Failure
    reason: str
    says: str
    """A part of the message."""
    kubernetes: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 2
    ran: bool = True


CASES = {
    "too-much-memory": Case(
        kubernetes={"memory": "128Mi"},
        failure=Failure.DEFECT,
        reason="OOMKilled",
        says="raise execution.kubernetes.memory",
    ),
    "too-much-memory-in-a-child": Case(
        kubernetes={"memory": "128Mi", **trainer_runs("nago-train run; exit $?")},
        failure=Failure.DEFECT,
        reason="OOMKilled",
        says="raise execution.kubernetes.memory",
    ),
    "killed-for-no-known-reason": Case(
        kubernetes=trainer_runs("sh -c 'kill -9 $$$$'; exit $?"),
        failure=Failure.INFRASTRUCTURE,
        reason="Signal9",
        says="probably for lack of memory",
    ),
    "deadline": Case(
        kubernetes={"deadline": 15},
        epochs=100_000,
        failure=Failure.DEFECT,
        reason="DeadlineExceeded",
        says="longer than execution.kubernetes.deadline",
    ),
    "image-name": Case(
        kubernetes={"image": "No//Image"},
        failure=Failure.DEFECT,
        reason="InvalidImageName",
        says="No//Image",
        ran=False,
    ),
    "no-secret": Case(
        kubernetes={"database_secret": {"name": "not-there", "key": "url"}, "patience": SOON},
        failure=Failure.INFRASTRUCTURE,
        reason="NotCreated",
        says="there is no Secret not-there",
        ran=False,
    ),
    "no-image": Case(
        kubernetes={"image": "REGISTRY/nago-trainer:not-there", "patience": SOON},
        failure=Failure.DEFECT,
        reason="ErrImagePull",
        says="not found",
        ran=False,
    ),
    "no-such-node": Case(
        kubernetes={"node_selector": {"nago.dev/planet": "mars"}, "patience": SOON},
        failure=Failure.INFRASTRUCTURE,
        reason="Unschedulable",
        says="0/1 nodes are available",
        ran=False,
    ),
    "not-so-many-gpus": Case(
        kubernetes={"gpu": {"count": 64, "resource": "example.com/gpu"}, "patience": SOON},
        failure=Failure.INFRASTRUCTURE,
        reason="Unschedulable",
        says="Insufficient example.com/gpu",
        ran=False,
    ),
}
ATTEMPTS = {Failure.DEFECT: 2, Failure.INFRASTRUCTURE: 1}
"""One retry after a defect, as by default; infrastructure, which has more of them, is given none here."""


@contextmanager
def empty_registry() -> Iterator[str]:
    """The address of a registry that has no image; on this machine, which is the tests' own node."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
            self.send_response(200 if self.path == "/v2/" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815  # the name that http.server looks for

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def studies(site: Site) -> Iterator[None]:
    """All at once: most of them wait most of the time."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "gpus"},
        "spec": {"hard": {f"requests.{GPU}": QUOTA}},
    }
    site.installation.kubectl.apply(quota)
    with empty_registry() as registry:
        files = [_file(site, name, case, registry) for name, case in CASES.items()]
        site.submit(*files, site.study_file("quota", trials=4, kubernetes={"gpu": {"count": 1}}))
        yield
    site.installation.kubectl("delete", "resourcequota", "gpus")


def _file(site: Site, name: str, case: Case, registry: str) -> Document:
    kubernetes = dict(case.kubernetes)
    if "image" in kubernetes:
        kubernetes["image"] = kubernetes["image"].replace("REGISTRY", registry)
    return site.study_file(name, epochs=case.epochs, kubernetes=kubernetes, retries={"infrastructure": 0})


@pytest.mark.usefixtures("studies")
@pytest.mark.parametrize("name", CASES)
def test_a_trial_that_cannot_be_trained_fails_with_its_cause(site: Site, name: str) -> None:
    case = CASES[name]
    study = site.wait_until_over(name)
    attempts = site.attempts(name)
    causes = [(found.state, found.failure, found.reason) for found in attempts]
    assert causes == [(AttemptState.FAILED, case.failure, case.reason)] * ATTEMPTS[case.failure]
    assert all(case.says in found.message for found in attempts)
    assert study.state == StudyState.FAILED
    assert case.reason in study.message or case.says in study.message
    assert attempts[-1].trial_state == TrialState.FAILED
    assert [found.started_at is not None for found in attempts] == [case.ran] * len(attempts)
    if not case.ran:
        assert [found.gpu_seconds for found in attempts] == [0] * len(attempts)
    assert site.left_behind(name) == []


@pytest.mark.usefixtures("studies")
def test_a_quota_for_two_delays_a_study_of_four_and_fails_nothing(site: Site) -> None:
    study = site.wait_until_over("quota")
    attempts = site.attempts("quota")
    assert study.state == StudyState.COMPLETED
    assert [(found.trial, found.state) for found in attempts] == [(n, AttemptState.SUCCEEDED) for n in range(4)]
    spans = [(found.started_at, found.ended_at) for found in attempts]
    at_once = max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
    assert at_once <= QUOTA, "waiting is not running"
    assert [found.gpu_seconds for found in attempts] == pytest.approx([found.seconds for found in attempts])
    assert site.left_behind("quota") == []
