"""Plays scheduler and kubelet of a node that is never full: binds pods, lets them run, ends them with a result.

A pod's work is to wait. Then its result goes into the database by the trainer's own functions and into the termination
message, and the pod has succeeded. A program of its own, so that it takes no time from what is measured:
`python -m benchmarks.jobs.kubelet ADDRESS TOKEN AUTHORITY SECONDS SPREAD`. A pod works for SECONDS, more or
less by at most that share of them. A line on its standard input with a number ends so many pods, the oldest first.
"""

from __future__ import annotations

import base64
import json
import random
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.jobs.api import Api, ApiRefusalError, Object
from benchmarks.jobs.control_plane import NAMESPACE
from nago_trainer.attempt.postgres import Session
from nago_trainer.contract.reports import TrialResult

WORKERS = 8
NODE = "played"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"


class Kubelet:
    def __init__(self, api: Api, seconds: float, spread: float) -> None:
        self._api = api
        self._seconds = seconds
        self._spread = spread
        self._random = random.Random(0)
        self._pool = ThreadPoolExecutor(WORKERS)
        self._running: dict[str, tuple[float, Object]] = {}
        """By uid: when its work is done, and the pod."""
        self._known: set[str] = set()
        self._leaving: set[str] = set()
        self._lock = threading.Lock()

    def run(self) -> None:
        """For ever."""
        threading.Thread(target=self._end_in_time, daemon=True).start()
        for kind, pod in self._api.follow(PODS):
            uid = pod["metadata"]["uid"]
            if kind == "DELETED":
                self._known.discard(uid)
                self._leaving.discard(uid)
            elif pod["metadata"].get("deletionTimestamp"):
                if uid not in self._leaving:
                    self._leaving.add(uid)
                    self._do(self._remove, pod)
            elif uid not in self._known:
                self._known.add(uid)
                self._do(self._begin, pod)

    def finish(self, count: int) -> None:
        """The oldest pods that run are done now."""
        with self._lock:
            for uid in list(self._running)[:count]:
                self._running[uid] = (0.0, self._running[uid][1])

    def _do(self, work: Any, pod: Object) -> None:
        self._pool.submit(work, pod).add_done_callback(_report)

    def _begin(self, pod: Object) -> None:
        metadata = pod["metadata"]
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": metadata["name"]}, "target": target}
        if not pod["spec"].get("nodeName"):
            self._api.post(f"{PODS}/{metadata['name']}/binding", body)
        if (pod.get("status") or {}).get("phase") != "Running":
            self._set_status(pod, "Running", {"running": {"startedAt": _now()}}, ready=True)
        with self._lock:
            work = self._seconds * (1 + self._random.uniform(-self._spread, self._spread))
            self._running[metadata["uid"]] = (time.monotonic() + work, pod)

    def _end_in_time(self) -> None:
        while True:
            time.sleep(0.01)
            now = time.monotonic()
            with self._lock:
                done = [uid for uid, (at, _) in self._running.items() if at <= now]
                pods = [self._running.pop(uid)[1] for uid in done]
            for pod in pods:
                if pod["metadata"]["uid"] not in self._leaving:
                    self._do(self._end, pod)

    def _end(self, pod: Object) -> None:
        variables = {item["name"]: item for item in pod["spec"]["containers"][0]["env"]}
        result = result_of(int(variables["NAGO_TRIAL"]["value"]))
        token, address = (self._secret(variables[name]) for name in ("NAGO_TOKEN", "NAGO_DATABASE_URL"))
        if address is not None:  # a Job of the bare loop has no Secret and no attempt
            with closing(psycopg2.connect(address)) as connection:
                session = Session(psycopg2, connection)
                session.read_task()
                session.add_result(result)
        message = json.dumps({"token": token, "result": result.to_json()})
        ended = {"exitCode": 0, "reason": "Completed", "message": message, "startedAt": _now(), "finishedAt": _now()}
        self._set_status(pod, "Succeeded", {"terminated": ended}, ready=False)

    def _secret(self, variable: Object) -> str | None:
        """What a variable gets from a Secret; None without it."""
        wanted = variable["valueFrom"]["secretKeyRef"]
        try:
            found = self._api.get(f"{SECRETS}/{wanted['name']}")["data"][wanted["key"]]
        except ApiRefusalError as error:
            if error.status != 404:
                raise
            return None
        return base64.b64decode(found).decode()

    def _set_status(self, pod: Object, phase: str, state: Object, *, ready: bool) -> None:
        status = {"name": "trainer", "image": "played", "imageID": "", "ready": ready, "restartCount": 0}
        told = {"phase": phase, "containerStatuses": [{**status, "containerID": "played://1", "state": state}]}
        self._api.patch(f"{PODS}/{pod['metadata']['name']}/status", {"status": {"startTime": _now(), **told}})

    def _remove(self, pod: Object) -> None:
        with self._lock:
            self._running.pop(pod["metadata"]["uid"], None)
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        self._api.delete(f"{PODS}/{name}", {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}})


def result_of(trial: int) -> TrialResult:
    """The same for every attempt of a trial."""
    accuracy = 0.5 + 0.4 * (trial * 7919 % 1000) / 1000
    return TrialResult(
        validation_accuracy=accuracy,
        validation_loss=1 - accuracy,
        diverged=False,
        epochs=1,
        seconds=2.0,
        seconds_to_first_step=0.1,
        parameters=1000,
        device="played",
        network=None,
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _report(done: Future[None]) -> None:
    """A pod that went away meanwhile is nothing to tell."""
    error = done.exception()
    if error is not None and not (isinstance(error, ApiRefusalError) and error.status in (404, 409)):
        print(repr(error), file=sys.stderr, flush=True)


def main(address: str, token: str, authority: str, seconds: str, spread: str) -> None:
    kubelet = Kubelet(Api(address, token, Path(authority)), float(seconds), float(spread))
    threading.Thread(target=kubelet.run, daemon=True).start()
    for line in sys.stdin:
        kubelet.finish(int(line))
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
