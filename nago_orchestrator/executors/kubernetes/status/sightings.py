"""Pods that are about to go, as they were last seen: why they go stands in them, and nowhere once they are gone.

From Kubernetes 1.26 on, a Job's pods are held by a finalizer until the Job has counted them: a pod that was deleted is
gone when its Job is `Failed`. Before that, the Job counts it as `terminating` (1.29) and has the condition
`FailureTarget` (1.26, with a pod failure policy): the pod is read then, at once, by threads of its own.
(https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers,
https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy,
https://kubernetes.io/docs/concepts/workloads/controllers/job/#termination-of-job-pods)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import Any

from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.manifest.objects import condition, newest
from nago_orchestrator.executors.kubernetes.status.causes import has_ended, is_over

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Pods that are read at one time."""
LONGEST_LOOK_SECONDS = 5.0
"""How long a look that is under way is waited for."""
Object = Mapping[str, Any]


class PodSightings:
    """By the Job's uid. Called from the watch's thread, those of the requests, and the loop's."""

    def __init__(self, api: JobApi) -> None:
        self._api = api
        self._closed = False
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pods that go")
        self._lock = threading.Lock()
        self._pods: dict[str, Object] = {}
        self._looks: dict[str, tuple[tuple[bool, bool], Future[None]]] = {}
        """The last look at the pods of a Job, and what the Job said then."""

    def look(self, job: Object) -> None:
        """Read the pods of a Job that says that they are about to go. Returns at once."""
        told = (condition(job, "FailureTarget") is not None, bool((job.get("status") or {}).get("terminating")))
        uid, name = job["metadata"]["uid"], job["metadata"]["name"]
        if not any(told) or is_over(job) or job["metadata"].get("deletionTimestamp"):
            return
        with self._lock:
            if not self._closed and (uid not in self._looks or self._looks[uid][0] != told):
                self._looks[uid] = told, self._pool.submit(self._read, uid, name)

    def note(self, uid: str, pods: Sequence[Object]) -> None:
        """The Job's pods as they are now. None: what was seen before is all that there will be."""
        pod = newest(pods)
        if pod is None:
            return
        with self._lock:
            before = self._pods.get(uid)
            if _is_going(pod):
                self._pods[uid] = pod
            elif before is not None and before["metadata"].get("uid") != pod["metadata"].get("uid"):
                del self._pods[uid]  # it has a successor

    def last(self, uid: str) -> Object | None:
        """The Job's newest pod, if it had ended or was to go when it was seen."""
        with self._lock:
            return self._pods.get(uid)

    def await_last(self, uid: str) -> Object | None:
        """The same, after a look that is under way."""
        with self._lock:
            look = self._looks.get(uid)
        if look is not None:
            with suppress(FutureTimeoutError):
                look[1].result(LONGEST_LOOK_SECONDS)
        return self.last(uid)

    def keep_only(self, uids: Collection[str]) -> None:
        with self._lock:
            self._pods = {uid: pod for uid, pod in self._pods.items() if uid in uids}
            self._looks = {uid: look for uid, look in self._looks.items() if uid in uids}

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False)

    def _read(self, uid: str, name: str) -> None:
        try:
            self.note(uid, self._api.pods_now(f"job-name={name}"))
        except ApiError as error:
            log.info("cannot read the pods of the Job %s: %s", name, error)


def _is_going(pod: Object) -> bool:
    if pod["metadata"].get("deletionTimestamp") or condition(pod, "DisruptionTarget") is not None:
        return True
    return has_ended(pod)
