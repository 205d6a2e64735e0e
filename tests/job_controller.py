"""Plays the cluster for `tests.api_server`: gives Jobs their pods, and lets the pods end as the test says."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

from tests.api_server import ApiServer, Object, now_text
from tests.waiting import PATIENCE_SECONDS


def environment_of(server: ApiServer, job: Object) -> dict[str, str]:
    """As a kubelet makes it. Raises KeyError where a Secret is missing."""
    container = next(found for found in job["spec"]["template"]["spec"]["containers"] if found["name"] == "trainer")
    return {variable["name"]: _value(server, variable) for variable in container["env"]}


def _value(server: ApiServer, variable: Object) -> str:
    if "value" in variable:
        return str(variable["value"])
    wanted = variable["valueFrom"]["secretKeyRef"]
    return base64.b64decode(server.objects["secrets"][wanted["name"]]["data"][wanted["key"]]).decode()


def pod_of(job: Object, **status: Any) -> Object:
    name = job["metadata"]["name"]
    return {
        "metadata": {
            "name": f"{name}-x7k2p",
            "labels": {**job["spec"]["template"]["metadata"]["labels"], "job-name": name},
            "ownerReferences": [{"kind": "Job", "name": name, "uid": job["metadata"]["uid"]}],
        },
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Pending", **status},
    }


def scheduled() -> Object:
    return {"type": "PodScheduled", "status": "True", "lastTransitionTime": now_text()}


def begin(server: ApiServer, name: str, *, tells_ready: bool = True) -> None:
    """The Job's pod runs. Clusters before 1.24 do not tell so in the Job."""
    job = server.jobs()[name]
    state = {"running": {"startedAt": now_text()}}
    status = {"name": "trainer", "state": state, "containerID": "containerd://1"}
    server.put("pods", pod_of(job, phase="Running", conditions=[scheduled()], containerStatuses=[status]))
    ready = {"ready": 1} if tells_ready else {}
    set_status(server, name, active=1, startTime=now_text(), **ready)


def end(server: ApiServer, name: str, *, code: int = 0, message: str = "", **terminated: Any) -> None:
    """The trainer's container ends, then its pod, then the Job."""
    state = {"exitCode": code, "message": message, "finishedAt": now_text(), "startedAt": now_text(), **terminated}
    status = {"name": "trainer", "state": {"terminated": state}, "containerID": "containerd://1"}
    pod = server.pods_of(name)[0]["metadata"]["name"]
    phase = "Failed" if code else "Succeeded"
    server.change(
        "pods",
        pod,
        lambda found: found.update(status={"phase": phase, "containerStatuses": [status], "conditions": []}),
    )
    finish(server, name, failed=bool(code))


def finish(
    server: ApiServer, name: str, *, failed: bool, reason: str = "BackoffLimitExceeded", message: str = ""
) -> None:
    """The Job's last condition."""
    kind = "Failed" if failed else "Complete"
    told = {"reason": reason, "message": message} if failed else {}
    condition = {"type": kind, "status": "True", "lastTransitionTime": now_text(), **told}
    set_status(server, name, conditions=[condition])


def set_status(server: ApiServer, name: str, **status: Any) -> None:
    server.change("jobs", name, lambda job: job.update(status=status))


def report(server: ApiServer, job: Object, **content: Any) -> str:
    """A termination message: `report(server, job, result=...)`."""
    return json.dumps({"token": environment_of(server, job)["NAGO_TOKEN"], **content}, separators=(",", ":"))


class JobController:
    """A thread that lets every Job run once, and end as `script` says."""

    def __init__(
        self,
        server: ApiServer,
        script: Callable[[ApiServer, Object], None],
        *,
        begin: Callable[[ApiServer, str], None] = begin,
    ) -> None:
        self._server = server
        self._begin = begin
        self._script = script
        self._closed = threading.Event()
        self.played: list[str] = []
        self.most_at_once = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> JobController:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._closed.is_set():
            jobs = self._server.jobs()
            going = [job for job in jobs.values() if not (job.get("status") or {}).get("conditions")]
            self.most_at_once = max(self.most_at_once, len(going))
            for name, job in jobs.items():
                status = job.get("status") or {}
                try:
                    if not status:
                        self.played.append(name)
                        self._begin(self._server, name)
                    elif not status.get("conditions"):
                        self._script(self._server, job)
                except (KeyError, IndexError):
                    continue  # it was deleted in between
            self._closed.wait(0.005)
