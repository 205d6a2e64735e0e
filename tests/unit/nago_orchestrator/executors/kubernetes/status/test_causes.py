"""Every way in which a Job may be over, and what is made of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.credentials import token_digest
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.manifest.labels import DATA_CHECK, TOKEN_DIGEST
from nago_orchestrator.executors.kubernetes.status.causes import ended, is_over
from nago_trainer.contract.reports import TrialResult

TOKEN = "a-token"
RESULT = TrialResult(
    validation_accuracy=0.75,
    validation_loss=float("inf"),
    diverged=False,
    epochs=4,
    seconds=12.5,
    seconds_to_first_step=1.0,
    parameters=1000,
    device="cuda",
    network=None,
)
Object = dict[str, Any]


def job(kind: str | None = "Failed", reason: str = "BackoffLimitExceeded", message: str = "") -> Object:
    told = {"type": kind, "status": "True", "reason": reason, "message": message}
    return {
        "metadata": {"name": "small-t00001-a1", "uid": "u1", "annotations": {TOKEN_DIGEST: token_digest(TOKEN)}},
        "status": {"conditions": [{**told, "lastTransitionTime": "2026-01-01T00:00:09Z"}] if kind else None},
    }


def pod(terminated: Object | None = None, **status: Any) -> Object:
    statuses = [] if terminated is None else [{"name": "trainer", "state": {"terminated": terminated}}]
    return {
        "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Failed", "containerStatuses": statuses, **status},
    }


def disrupted(reason: str) -> list[Object]:
    return [{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "told"}]


def left(**content: Any) -> str:
    return json.dumps({"token": TOKEN, **content})


def deleted(found: Object) -> Object:
    """At 00:00:30, with half a minute of grace."""
    found["metadata"].update(deletionTimestamp="2026-01-01T00:01:00Z", deletionGracePeriodSeconds=30)
    return found


def suspended(found: Object) -> Object:
    return {**found, "spec": {"suspend": True}}


def resumed(found: Object, at: str = "2026-01-01T00:10:00Z") -> Object:
    told = {"type": "Suspended", "status": "False", "reason": "JobResumed", "lastTransitionTime": at}
    found["status"]["conditions"].append(told)
    return found


DEFECT, INFRASTRUCTURE, INFEASIBLE = Failure.DEFECT, Failure.INFRASTRUCTURE, Failure.INFEASIBLE
INTERRUPTED = Failure.INTERRUPTED
POLICY = "PodFailurePolicy"
TOLD_CODE = "Container trainer for pod research/p failed with exit code {} matching FailJob rule at index 1"
TOLD_DISRUPTION = "Pod research/p has condition DisruptionTarget matching FailJob rule at index 0"
FAILURES: dict[str, tuple[Object, list[Object], Failure, str]] = {
    "out of memory": (job(), [pod({"exitCode": 137, "reason": "OOMKilled"})], DEFECT, "OOMKilled"),
    "out of memory, by another exit code": (job(), [pod({"exitCode": 1, "reason": "OOMKilled"})], DEFECT, "OOMKilled"),
    "killed, nobody says why": (job(), [pod({"exitCode": 137, "reason": "Error"})], INFRASTRUCTURE, "Signal9"),
    "killed, told as a signal": (job(), [pod({"exitCode": 0, "signal": 9})], INFRASTRUCTURE, "Signal9"),
    "segmentation fault": (job(), [pod({"exitCode": 139, "reason": "Error"})], DEFECT, "Signal11"),
    "SIGTERM from somewhere": (job(), [pod({"exitCode": 143, "reason": "Error"})], INFRASTRUCTURE, "Signal15"),
    "infeasible": (job(), [pod({"exitCode": 3, "reason": "Error"})], INFEASIBLE, "Infeasible"),
    "bad task": (job(), [pod({"exitCode": 64, "reason": "Error"})], DEFECT, "ExitCode64"),
    "no database": (job(), [pod({"exitCode": 69, "reason": "Error"})], INFRASTRUCTURE, "DatabaseUnavailable"),
    "interrupted": (job(), [pod({"exitCode": 85, "reason": "Error"})], INFRASTRUCTURE, "Terminated"),
    "cannot start": (
        job(),
        [pod({"exitCode": 128, "reason": "StartError", "message": "no nago-train"})],
        DEFECT,
        "StartError",
    ),
    "node restarted": (job(), [pod({"exitCode": 255, "reason": "Unknown"})], INFRASTRUCTURE, "NodeLost"),
    "node forgot": (job(), [pod({"exitCode": 137, "reason": "ContainerStatusUnknown"})], INFRASTRUCTURE, "PodLost"),
    "pre-empted": (job(), [pod(conditions=disrupted("PreemptionByScheduler"))], INTERRUPTED, "Preempted"),
    "pre-empted, older word": (
        job(),
        [pod(conditions=disrupted("PreemptionByKubeScheduler"))],
        INTERRUPTED,
        "Preempted",
    ),
    "taint manager": (job(), [pod(conditions=disrupted("DeletionByTaintManager"))], INFRASTRUCTURE, "NodeLost"),
    "drained": (job(), [pod(conditions=disrupted("EvictionByEvictionAPI"))], INFRASTRUCTURE, "Evicted"),
    "node gone": (job(), [pod(conditions=disrupted("DeletionByPodGC"))], INFRASTRUCTURE, "NodeLost"),
    "node pressure": (job(), [pod(conditions=disrupted("TerminationByKubelet"))], INFRASTRUCTURE, "Evicted"),
    "a new disruption": (job(), [pod(conditions=disrupted("SomethingNew"))], INFRASTRUCTURE, "Disrupted"),
    "killed in a disruption": (
        job(),
        [pod({"exitCode": 137, "reason": "Error"}, conditions=disrupted("TerminationByKubelet"))],
        INFRASTRUCTURE,
        "Evicted",
    ),
    "evicted without statuses": (job(), [pod(reason="Evicted", containerStatuses=None)], INFRASTRUCTURE, "Evicted"),
    "node lost": (job(), [pod(reason="NodeLost")], INFRASTRUCTURE, "NodeLost"),
    "node shut down": (job(), [pod(reason="Terminated", message="node shutdown")], INFRASTRUCTURE, "NodeShutdown"),
    "node refused": (job(), [pod(reason="OutOfnvidia.com/gpu")], INFRASTRUCTURE, "NodeRefused"),
    "GPU broke": (job(), [pod(reason="UnexpectedAdmissionError")], INFRASTRUCTURE, "NodeRefused"),
    "too long, the pod's deadline": (
        job(),
        [pod({"exitCode": 137}, reason="DeadlineExceeded")],
        DEFECT,
        "DeadlineExceeded",
    ),
    "too long, the Job's deadline": (job(reason="DeadlineExceeded"), [], DEFECT, "DeadlineExceeded"),
    "no statuses, no word": (job(), [pod(containerStatuses=None)], INFRASTRUCTURE, "PodLost"),
    "no pod, no word": (job(), [], INFRASTRUCTURE, "PodLost"),
    "no pod, but a code": (job(reason=POLICY, message=TOLD_CODE.format(64)), [], DEFECT, "ExitCode64"),
    "no pod, but a kill": (job(reason=POLICY, message=TOLD_CODE.format(137)), [], INFRASTRUCTURE, "PodDeleted"),
    "no pod, but SIGTERM": (job(reason=POLICY, message=TOLD_CODE.format(143)), [], INFRASTRUCTURE, "PodDeleted"),
    "no pod, but its own end": (job(reason=POLICY, message=TOLD_CODE.format(85)), [], INFRASTRUCTURE, "PodDeleted"),
    "about to fail": (job("FailureTarget"), [pod({"exitCode": 64, "reason": "Error"})], DEFECT, "ExitCode64"),
    "deleted, seen before its end": (
        job(reason=POLICY, message=TOLD_CODE.format(137)),
        [deleted(pod(containerStatuses=None))],
        INFRASTRUCTURE,
        "PodDeleted",
    ),
    "deleted, but it had failed": (
        job(reason=POLICY, message=TOLD_CODE.format(64)),
        [deleted(pod(containerStatuses=None))],
        DEFECT,
        "ExitCode64",
    ),
    "deleted, killed at the end of its grace": (
        job(),
        [deleted(pod({"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:01:01Z"}))],
        INFRASTRUCTURE,
        "PodDeleted",
    ),
    "out of memory, then deleted": (
        job(),
        [deleted(pod({"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:20Z"}))],
        DEFECT,
        "OOMKilled",
    ),
    "suspended": (suspended(job(reason=POLICY, message=TOLD_CODE.format(143))), [], INTERRUPTED, "Suspended"),
    "suspended, and killed": (suspended(job()), [pod({"exitCode": 137})], INTERRUPTED, "Suspended"),
    "suspended, but it had failed": (suspended(job()), [pod({"exitCode": 64})], DEFECT, "ExitCode64"),
    "resumed, its pod of before": (resumed(job()), [pod({"exitCode": 85})], INTERRUPTED, "Suspended"),
    "resumed, another pod": (
        resumed(job(), at="2025-12-31T00:00:00Z"),
        [pod({"exitCode": 85})],
        INFRASTRUCTURE,
        "Terminated",
    ),
    "trainer failed, the pod goes on": (job(None), [pod({"exitCode": 70}, phase="Running")], DEFECT, "ExitCode70"),
    "trainer done without a word, the pod goes on": (
        job(None),
        [pod({"exitCode": 0}, phase="Running")],
        DEFECT,
        "NoResult",
    ),
    "no pod, but infeasible": (job(reason=POLICY, message=TOLD_CODE.format(3)), [], INFEASIBLE, "Infeasible"),
    "no pod, but a disruption": (job(reason=POLICY, message=TOLD_DISRUPTION), [], INFRASTRUCTURE, "Disrupted"),
    "no pod, an odd message": (job(reason=POLICY, message="who knows"), [], INFRASTRUCTURE, "PodLost"),
    "the trainer's own word": (
        job(),
        [pod({"exitCode": 70, "message": left(failure={"kind": "defect", "reason": "ValueError", "message": "oh"})})],
        DEFECT,
        "ValueError",
    ),
    "the trainer's word in a disruption": (
        job(),
        [
            pod(
                {
                    "exitCode": 3,
                    "message": left(failure={"kind": "infeasible", "reason": "OutOfMemory", "message": "oh"}),
                },
                conditions=disrupted("X"),
            )
        ],
        INFEASIBLE,
        "OutOfMemory",
    ),
    "another attempt's word": (
        job(),
        [
            pod(
                {
                    "exitCode": 70,
                    "message": json.dumps(
                        {"token": "b", "failure": {"kind": "infeasible", "reason": "a", "message": "b"}}
                    ),
                }
            )
        ],
        DEFECT,
        "ExitCode70",
    ),
    "a word that is none": (
        job(),
        [pod({"exitCode": 70, "message": left(failure={"kind": "odd"})})],
        DEFECT,
        "InvalidReport",
    ),
    "done, but no word and no pod": (job("Complete"), [], INFRASTRUCTURE, "ResultLost"),
    "done, but no word": (job("Complete"), [pod({"exitCode": 0})], DEFECT, "NoResult"),
    "done, with a broken word": (
        job("Complete"),
        [pod({"exitCode": 0, "message": left(result={"epochs": 1})})],
        DEFECT,
        "InvalidReport",
    ),
}


@pytest.mark.parametrize(("found", "pods", "failure", "reason"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_known_by_kind_and_reason(
    found: Object, pods: list[Object], failure: Failure, reason: str
) -> None:
    seen = ended(found, pods)
    assert (seen.phase, seen.result, seen.failure, seen.reason) == (Phase.ENDED, None, failure, reason)
    assert seen.message
    assert "\n" not in seen.message


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_a_result_in_the_last_words_counts_however_the_job_ended(kind: str) -> None:
    seen = ended(job(kind), [pod({"exitCode": 0, "message": left(result=RESULT.to_json())})])
    assert seen.result == RESULT
    assert (seen.failure, seen.reason, seen.message) == (None, None, None)


def test_a_result_of_another_token_is_nobodys() -> None:
    message = json.dumps({"token": "stale", "result": RESULT.to_json()})
    assert ended(job("Complete"), [pod({"exitCode": 0, "message": message})]).result is None


def test_the_newest_of_several_pods_counts() -> None:
    first = pod({"exitCode": 137, "reason": "OOMKilled"})
    second = pod({"exitCode": 0, "message": left(result=RESULT.to_json())})
    second["metadata"]["creationTimestamp"] = "2026-01-01T00:05:00Z"
    assert ended(job("Complete"), [second, first]).result == RESULT


@pytest.mark.parametrize("code", [85, 137, 143])
def test_a_pod_that_somebody_deleted_says_nothing_of_its_trial(code: int) -> None:
    deleted = pod({"exitCode": code, "reason": "Error"})
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    seen = ended(job(), [deleted])
    assert (seen.failure, seen.reason) == (Failure.INFRASTRUCTURE, "PodDeleted")


def test_the_end_of_the_log_stands_in_for_an_empty_termination_message() -> None:
    seen = ended(job(), [pod({"exitCode": 1, "message": "Traceback\nKeyError: 'x'"})])
    assert seen.log_tail == "Traceback\nKeyError: 'x'"
    assert ended(job(), [pod({"exitCode": 1, "message": "short"})], log_tail="the log").log_tail == "the log"


def test_when_and_where_it_ended() -> None:
    terminated = {"exitCode": 1, "startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:07Z"}
    seen = ended(job(), [pod(terminated)])
    assert (seen.node, seen.uid, seen.exit_code) == ("node-1", "u1", 1)
    assert seen.started_at == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert seen.ended_at == datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
    assert ended(job(), []).ended_at == datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "over"),
    [("Complete", True), ("Failed", True), ("FailureTarget", False), ("Suspended", False), (None, False)],
)
def test_only_the_last_conditions_mean_the_end(kind: str | None, over: bool) -> None:
    assert is_over(job(kind)) is over


def test_a_condition_that_is_false_means_nothing() -> None:
    found = job("Failed")
    found["status"]["conditions"][0]["status"] = "False"
    assert not is_over(found)


def test_what_helps_against_want_of_memory_is_other_for_a_check_of_images_than_for_a_trial() -> None:
    killed = pod({"exitCode": 137, "reason": "OOMKilled"})
    assert "trainer.batch_size" in str(ended(job(), [killed]).message)
    killed["metadata"]["labels"] = {DATA_CHECK: "true"}
    assert str(ended(job(), [killed]).message).endswith(": raise execution.kubernetes.memory")
