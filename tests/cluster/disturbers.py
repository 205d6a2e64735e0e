"""What is done to a study in the tests' own cluster, for `tests/chaos`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any

from tests.chaos.course import Disturb, Done, NoTargetError
from tests.chaos.plan import Disturbance, Kind
from tests.cluster.kubectl import KubectlError
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import Orchestrators
from tests.cluster.study import ClusterStudy

DATABASE_POD = "nago-postgres-0"
Row = dict[str, Any]


def cluster_disturbers(
    study: ClusterStudy, orchestrators: Orchestrators, machinery: Machinery
) -> Mapping[Kind, Disturb]:
    kubectl = study.installation.kubectl

    def deleting(kind: str, names: Callable[[], Sequence[str]]) -> Disturb:
        def delete(disturbance: Disturbance) -> Done:
            name = _chosen(names(), disturbance)
            kubectl("delete", kind, name, "--wait=false")
            return Done(f"{kind} {name}")

        return _known(delete)

    def signalling(number: signal.Signals, containers: Callable[[], Sequence[str]]) -> Disturb:
        def send(disturbance: Disturbance) -> Done:
            container = _chosen(containers(), disturbance)
            machinery.signal_container(container, number)
            if number is not signal.SIGSTOP:
                return Done(container)
            return Done(container, lambda: _wake(machinery, container))

        return _known(send)

    def trainers() -> list[str]:
        return [_container(pod) for pod in study.pods() if pod["status"]["phase"] == "Running"]

    def serving() -> list[str]:
        return [_container(pod) for pod in orchestrators.pods() if pod["status"]["phase"] == "Running"]

    return {
        Kind.KILL_ORCHESTRATOR: signalling(signal.SIGKILL, serving),
        Kind.FREEZE_ORCHESTRATOR: signalling(signal.SIGSTOP, serving),
        Kind.KILL_TRAINER: signalling(signal.SIGKILL, trainers),
        Kind.FREEZE_TRAINER: signalling(signal.SIGSTOP, trainers),
        Kind.DELETE_POD: deleting("pod", lambda: _names(study.pods())),
        Kind.DELETE_JOB: deleting("job", lambda: _names(study.jobs())),
        Kind.DELETE_ORCHESTRATOR: deleting("pod", lambda: _names(orchestrators.pods())),
        Kind.DELETE_DATABASE: deleting("pod", lambda: [DATABASE_POD]),
        Kind.RESTART_API_SERVER: _within(lambda: machinery.without("kube-apiserver")),
        Kind.RESTART_ETCD: _within(lambda: machinery.without("etcd")),
        Kind.RESTART_NODE: _within(machinery.powered_off),
    }


def _within(trouble: Callable[[], AbstractContextManager[None]]) -> Disturb:
    """It lasts until it is undone."""

    def begin(disturbance: Disturbance) -> Done:
        stack = ExitStack()
        stack.enter_context(trouble())
        return Done(disturbance.kind, stack.close)

    return begin


def _known(disturb: Disturb) -> Disturb:
    """What cannot be found, or is gone since, is no target; nor is anything while the API server is away."""

    def carefully(disturbance: Disturbance) -> Done:
        try:
            return disturb(disturbance)
        except (KubectlError, ProcessLookupError, KeyError, IndexError):
            raise NoTargetError from None

    return carefully


def _chosen(targets: Sequence[str], disturbance: Disturbance) -> str:
    if not targets:
        raise NoTargetError
    return targets[min(int(disturbance.choice * len(targets)), len(targets) - 1)]


def _names(objects: Sequence[Row]) -> list[str]:
    return [str(found["metadata"]["name"]) for found in objects]


def _container(pod: Row) -> str:
    return str(pod["status"]["containerStatuses"][0]["containerID"])


def _wake(machinery: Machinery, container: str) -> None:
    with suppress(ProcessLookupError):
        machinery.signal_container(container, signal.SIGCONT)
