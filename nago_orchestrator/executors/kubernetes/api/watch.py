"""The Jobs of one study as the cluster has them, kept up to date by one thread: LIST, then WATCH from its version.

Only an accelerator: whoever reads it looks at the whole state. Whatever a watch may have missed, the next full list
brings, every few minutes. What the API server says about versions is heeded: they are compared for nothing, and one
that is too old (410, as an HTTP status or as an event) means to list again.
(https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes)
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nago_orchestrator.executors.kubernetes.api.client import KubernetesClient
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiGoneError, ApiUnavailableError, error_of
from nago_trainer.contract.back_off import BackOff

log = logging.getLogger(__name__)

BACK_OFF = BackOff(first=0.5, longest=10.0)
GONE_SECONDS = 600.0
"""Longer than an answer to a creation may take."""
Job = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTiming:
    """All in seconds."""

    full_list: float = 300.0
    """At least so often everything is listed, whatever the watch says."""
    shortest_watch: float = 240.0
    longest_watch: float = 300.0
    """The API server ends a watch at random between these two, so that orchestrators do not come all at once."""
    silence: float = 90.0
    """A watch without an event or a bookmark (about one a minute) is taken for dead."""
    back_off: BackOff = BACK_OFF
    """After a watch or a list that failed or ended early, with jitter."""


class JobWatch:
    """Starts at once, in a daemon thread, and goes on until `close`."""

    def __init__(
        self,
        client: KubernetesClient,
        path: str,
        selector: str,
        timing: WatchTiming | None = None,
        *,
        on_job: Callable[[Job], None] = lambda job: None,
    ) -> None:
        """`on_job` is called at once with each Job that is new or has changed, in the watch's thread."""
        self._on_job = on_job
        self._client = client
        self._path = path
        self._selector = selector
        self._timing = timing or WatchTiming()
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._added_at: dict[str, float] = {}
        """When a Job was put in that a list which began earlier cannot know."""
        self._gone: dict[str, float] = {}
        """By uid, when a Job was seen to be deleted: the answer to its creation may come after that."""
        self.changes = 0
        """Increases with every event of a Job."""
        self._synced = threading.Event()
        self._closed = threading.Event()
        self._failures = 0
        """Lists and watches in a row that failed or ended early."""
        self.trouble: str | None = None
        """Why the last request failed; None while all is well."""
        self.refusal: ApiError | None = None
        """The same, of an answer that trying again is not likely to change."""
        self._thread = threading.Thread(target=self._run, name=f"watch {selector}", daemon=True)
        self._thread.start()

    def wait_synced(self, timeout: float) -> bool:
        """Whether everything has been listed once."""
        return self._synced.wait(timeout)

    def jobs(self) -> Mapping[str, Job]:
        """By name; what a reader holds does not change under it."""
        with self._lock:
            return dict(self._jobs)

    def add(self, job: Job) -> None:
        """A Job that was just created or found, which the watch will see a moment later, if it has not yet."""
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        with self._lock:
            if uid in self._gone:
                return
            if name not in self._jobs or self._jobs[name]["metadata"]["uid"] != uid:
                self._put(job)
            self._added_at[name] = time.monotonic()

    def remove(self, name: str, uid: str) -> None:
        """A Job that was just deleted."""
        with self._lock:
            if name in self._jobs and self._jobs[name]["metadata"]["uid"] == uid:
                del self._jobs[name]

    def close(self) -> None:
        """The thread ends by itself, at the latest with its present request."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                version = self._list()
                self._follow(version, time.monotonic() + self._timing.full_list)
            except ApiGoneError:
                self._back_off()
            except ApiError as error:
                self._note_trouble(error)
                self._back_off()
            except Exception as error:  # the thread's edge: it must not end before it is told to
                log.exception("restarting the watch %s", self._path)
                self._note_trouble(error)
                self._back_off()

    def _note_trouble(self, error: Exception) -> None:
        if self.trouble is None:
            log.warning("%s", error)
        self.trouble = str(error)
        self.refusal = None
        if isinstance(error, ApiError) and not isinstance(error, ApiUnavailableError):
            self.refusal = error

    def _list(self) -> str:
        began = time.monotonic()
        found: dict[str, Job] = {}
        version = ""
        for page in self._client.pages(self._path, {"labelSelector": self._selector}):
            found |= {job["metadata"]["name"]: trimmed(job) for job in page.get("items") or []}
            version = str(page["metadata"].get("resourceVersion") or "")
        with self._lock:
            self._added_at = {name: at for name, at in self._added_at.items() if at >= began}
            self._gone = {uid: at for uid, at in self._gone.items() if at >= began - GONE_SECONDS}
            self._jobs = {name: self._jobs[name] for name in self._added_at if name in self._jobs} | found
            self.changes += 1
        self._all_is_well()
        for job in found.values():
            self._on_job(job)
        return version

    def _follow(self, version: str, until: float) -> None:
        """Watch, again and again, until the next full list is due."""
        while not self._closed.is_set() and time.monotonic() < until:
            began = time.monotonic()
            try:
                version = self._watch(version, until)
            except _BrokenOffError as error:
                version = error.version
            if time.monotonic() - began < self._timing.back_off.first * 4:
                self._back_off()
            else:
                self._failures = 0

    def _watch(self, version: str, until: float) -> str:
        """One watch: the version that the next one may go on from."""
        timing = self._timing
        length = random.uniform(timing.shortest_watch, timing.longest_watch)
        query: dict[str, str | int] = {
            "labelSelector": self._selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": max(1, round(min(length, until - time.monotonic()))),
        }
        try:
            with self._client.lines(self._path, query, silence=timing.silence) as lines:
                self.trouble = None
                for line in lines:
                    version = self._take(json.loads(line))
                    if self._closed.is_set():
                        break
        except (ApiUnavailableError, ValueError) as error:
            self.trouble = str(error)
            raise _BrokenOffError(version) from error
        return version

    def _take(self, event: Mapping[str, Any]) -> str:
        """Raises ApiError for an error that comes as an event."""
        kind, item = event["type"], event["object"]
        if kind == "ERROR":
            raise error_of(int(item.get("code") or 0), json.dumps(item).encode(), f"the watch of {self._path}")
        with self._lock:
            if kind in ("ADDED", "MODIFIED"):
                self._put(item)
            elif kind == "DELETED":
                self._jobs.pop(item["metadata"]["name"], None)
                self._added_at.pop(item["metadata"]["name"], None)
                self._gone[item["metadata"]["uid"]] = time.monotonic()
            self.changes += kind != "BOOKMARK"
        if kind in ("ADDED", "MODIFIED"):
            self._on_job(item)
        self._all_is_well()
        return str(item["metadata"]["resourceVersion"])

    def _put(self, job: Job) -> None:
        self._jobs[job["metadata"]["name"]] = trimmed(job)

    def _all_is_well(self) -> None:
        self.trouble = self.refusal = None
        self._failures = 0
        self._synced.set()

    def _back_off(self) -> None:
        self._closed.wait(self._timing.back_off.jittered(self._failures))
        self._failures += 1


class _BrokenOffError(Exception):
    """A watch ended otherwise than by its own time; the next one may go on from `version`."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.version = version


def trimmed(job: Mapping[str, Any]) -> Job:
    """What is looked at: neither the pod template, which holds a token, nor who manages which field."""
    kept = ("name", "uid", "labels", "annotations", "creationTimestamp", "deletionTimestamp")
    metadata = {key: value for key, value in job["metadata"].items() if key in kept}
    suspended = (job.get("spec") or {}).get("suspend")
    return {"metadata": metadata, "spec": {"suspend": suspended}, "status": job.get("status") or {}}
