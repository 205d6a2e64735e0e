"""What is done to a study in the tests' own cluster, for `tests/chaos`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import psutil

from tests.chaos.course import Disturb, Done, NoTargetError
from tests.chaos.plan import Disturbance, Kind
from tests.cluster.kubectl import KubectlError
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import Orchestrators
from tests.cluster.study import ClusterStudy

DATABASE_POD = "nago-postgres-0"
END_ALL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
Row = dict[str, Any]
Find = Callable[[], Sequence[Row]]
"""Pods or Jobs, as the API server gives them."""


def cluster_disturbers(study: ClusterStudy, machinery: Machinery) -> Mapping[Kind, Disturb]:
    kubectl, orchestrators = study.installation.kubectl, Orchestrators(installation=study.installation)

    def database() -> list[Row]:
        return [kubectl.get("pod", DATABASE_POD)]

    def trainers_and_others() -> list[Row]:
        return [*study.pods(), *orchestrators.pods(), *database()]

    def deleting(kind: str, find: Find) -> Disturb:
        def delete(disturbance: Disturbance) -> Done:
            name = _chosen(find(), disturbance)["metadata"]["name"]
            kubectl("delete", kind, name, "--wait=false")
            return Done(f"{kind} {name}")

        return delete

    def end_connections(_disturbance: Disturbance) -> Done:
        (row,) = study.installation.rows(f"{END_ALL} AND backend_type = 'client backend'")
        return Done(f"{row['count']} connections")

    processes = _Processes(machinery)
    table: dict[Kind, Disturb] = {
        Kind.KILL_ORCHESTRATOR: processes.killing(orchestrators.pods),
        Kind.FREEZE_ORCHESTRATOR: processes.freezing(orchestrators.pods),
        Kind.KILL_TRAINER: processes.killing(study.pods),
        Kind.FREEZE_TRAINER: processes.freezing(study.pods),
        Kind.DELETE_POD: deleting("pod", study.pods),
        Kind.DELETE_JOB: deleting("job", study.jobs),
        Kind.DELETE_ORCHESTRATOR: deleting("pod", orchestrators.pods),
        Kind.END_CONNECTIONS: end_connections,
        Kind.CRASH_DATABASE: processes.killing(database),
        Kind.FREEZE_DATABASE: processes.freezing(database),
        Kind.DELETE_DATABASE: deleting("pod", database),
        Kind.PARTITION: processes.cutting_off(trainers_and_others),
        Kind.RESTART_API_SERVER: _within(lambda: machinery.without("kube-apiserver")),
        Kind.RESTART_ETCD: _within(lambda: machinery.without("etcd")),
        Kind.RESTART_NODE: _within(machinery.powered_off),
    }
    return {kind: _known(disturb) for kind, disturb in table.items()}


@dataclass(frozen=True, slots=True)
class _Processes:
    """Of containers, as this machine sees them."""

    machinery: Machinery

    def killing(self, find: Find) -> Disturb:
        def kill(disturbance: Disturbance) -> Done:
            pod, process = self._chosen(find, disturbance)
            process.kill()
            return Done(pod)

        return kill

    def freezing(self, find: Find) -> Disturb:
        def freeze(disturbance: Disturbance) -> Done:
            pod, process = self._chosen(find, disturbance)
            everybody = [process, *process.children(recursive=True)]
            for one in everybody:
                with suppress(psutil.NoSuchProcess):
                    one.suspend()
            return Done(pod, lambda: _wake(everybody))

        return freeze

    def cutting_off(self, find: Find) -> Disturb:
        """Packets vanish: no connection of the pod is closed."""

        def cut_off(disturbance: Disturbance) -> Done:
            pod, process = self._chosen(find, disturbance)
            cable = _cable(process.pid)
            _ip("link", "set", cable, "down")
            return Done(pod, lambda: _mend(cable))

        return cut_off

    def _chosen(self, find: Find, disturbance: Disturbance) -> tuple[str, psutil.Process]:
        pod = _chosen([pod for pod in find() if pod["status"]["phase"] == "Running"], disturbance)
        identity = str(pod["status"]["containerStatuses"][0]["containerID"])
        return pod["metadata"]["name"], psutil.Process(self.machinery.pid_of_container(identity))


def _within(trouble: Callable[[], AbstractContextManager[None]]) -> Disturb:
    """It lasts until it is undone."""

    def begin(disturbance: Disturbance) -> Done:
        stack = ExitStack()
        stack.enter_context(trouble())
        return Done(str(disturbance.kind), stack.close)

    return begin


def _known(disturb: Disturb) -> Disturb:
    """What cannot be found, or is gone since, is no target; nor is anything while API server or runtime are away."""

    def carefully(disturbance: Disturbance) -> Done:
        try:
            return disturb(disturbance)
        except (KubectlError, OSError, LookupError, psutil.NoSuchProcess, subprocess.CalledProcessError):
            raise NoTargetError from None

    return carefully


def _chosen(targets: Sequence[Row], disturbance: Disturbance) -> Row:
    if not targets:
        raise NoTargetError
    return targets[min(int(disturbance.choice * len(targets)), len(targets) - 1)]


def _wake(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def _cable(pid: int) -> str:
    """The end, on this machine, of the cable into the network of a process."""
    inside = _ip("-o", "link", "show", "eth0", network_of=pid)  # 3: eth0@if12: ...
    index = inside.split("@if")[1].split(":")[0]
    (outside,) = [line for line in _ip("-o", "link").splitlines() if line.startswith(f"{index}: ")]
    return outside.split(": ")[1].split("@")[0]


def _mend(cable: str) -> None:
    with suppress(subprocess.CalledProcessError):  # it has gone with its pod
        _ip("link", "set", cable, "up")


def _ip(*words: str, network_of: int | None = None) -> str:
    inside = () if network_of is None else ("nsenter", "--target", str(network_of), "--net")
    return subprocess.run([*inside, "ip", *words], check=True, capture_output=True, text=True).stdout
