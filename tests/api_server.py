"""An API server of the tests' own: Jobs, pods and events in memory, over real HTTP, and whatever may go wrong with it.

It knows no controllers: the test says when a Job gets its pod and what becomes of it (`tests.job_controller`).
"""

from __future__ import annotations

import base64
import copy
import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.api_cluster import ApiCluster
from tests.api_http import ApiHandler, ApiHttpServer, Request

Object = dict[str, Any]
NAMESPACE = "research"
DATABASE_SECRET = {
    "metadata": {"name": "nago", "uid": "0"},
    "data": {"url": base64.b64encode(b"postgresql://postgres.research:5432/nago").decode()},
}
"""Where the database is for the trainers."""


def now_text() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(kw_only=True)
class Fault:
    """What happens to the next requests that it fits."""

    method: str = "GET"
    path: str = ""
    """A part of the path and query."""
    status: int | None = None
    message: str = "scripted"
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after_effect: bool = False
    """The request is carried out before it fails."""
    hang: float = 0.0
    """Seconds without an answer; then the connection is closed."""
    let_go: bool = False
    """Set by a test: it is closed now."""
    times: int = 1


class ApiServer:
    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = {
            "jobs": {},
            "pods": {},
            "events": {},
            "secrets": {"nago": copy.deepcopy(DATABASE_SECRET)},
        }
        self.logs: dict[str, str] = {}
        """By pod; its stream goes on until the pod's container has ended."""
        self.cut_log_after: list[int] = []
        """Each of the next log streams breaks off after so many lines."""
        self.cluster = ApiCluster()
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.history: list[tuple[int, str, str, Object]] = []
        """Version, collection, kind of event, object."""
        self.oldest_version = 0
        """Watches from before this one are answered with 410."""
        self.gone_as_event = False
        self.watch_seconds = 60.0
        """Watches end after this long, whatever they ask for."""
        self.bookmark_seconds = 0.2
        self.silent = threading.Event()
        """Watches stay open and say nothing more, not even bookmarks: a half-open socket."""
        self.page: int | None = None
        """Most items of a list's page."""
        self.expired_pages = 0
        """So many requests for a following page are answered with 410."""
        self.changed = threading.Condition(threading.RLock())
        self.closing = False
        self._versions = itertools.count(100)
        self._version = 99
        self._http = ApiHttpServer(("127.0.0.1", 0), ApiHandler)
        self._http.api = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self._http.shutdown()
        self._http.server_close()

    def put(self, collection: str, item: Object) -> Object:
        """Create or change an object, and tell the watches; one that was deleted is gone with its last finalizer."""
        with self.changed:
            metadata = item["metadata"]
            if metadata.get("finalizers") == [] and metadata.get("deletionTimestamp"):
                self._drop(collection, metadata["name"])
                return item
            existing = self.objects[collection].get(metadata["name"])
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault("creationTimestamp", now_text())
            self._bump(metadata)
            self.objects[collection][metadata["name"]] = item
            self._tell(collection, "MODIFIED" if existing else "ADDED", item)
            return item

    def change(self, collection: str, name: str, edit: Callable[[Object], None]) -> None:
        with self.changed:
            item = copy.deepcopy(self.objects[collection][name])
            edit(item)
            self.put(collection, item)

    def remove(self, collection: str, name: str) -> None:
        """As `kubectl delete` does, without a grace; a Job's pods and Secret go with it, and lose their
        finalizers by that.

        What has finalizers stays until it has lost them, with the time of its deletion
        (https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/).
        """
        with self.changed:
            item = self.objects[collection].get(name)
            if item is not None and item["metadata"].get("finalizers"):
                self.change(collection, name, lambda found: found["metadata"].update(deletionTimestamp=now_text()))
                return
        self._drop(collection, name)

    def _drop(self, collection: str, name: str) -> None:
        with self.changed:
            item = self.objects[collection].pop(name, None)
            if item is None:
                return
            item = copy.deepcopy(item)
            self._bump(item["metadata"])
            self._tell(collection, "DELETED", item)
            uid = item["metadata"]["uid"]
            owned = [
                (kind, owned)
                for kind in ("pods", "secrets")
                for owned, found in self.objects[kind].items()
                if _owner(found) == uid
            ]
            for kind, owned_name in owned:
                self._drop(kind, owned_name)

    def collect(self) -> None:
        """As the garbage collector does with what belongs to nothing any more."""
        with self.changed:
            there = {found["metadata"]["uid"] for found in self.objects["jobs"].values()}
            left = [name for name, found in self.objects["secrets"].items() if _owner(found) not in (None, *there)]
        for name in left:
            self._drop("secrets", name)

    def attempt_secrets(self) -> dict[str, Object]:
        """Without those of the installation."""
        with self.changed:
            return {name: found for name, found in self.objects["secrets"].items() if "-t0" in name}

    def jobs(self) -> dict[str, Object]:
        with self.changed:
            return dict(self.objects["jobs"])

    def pods_of(self, job: str) -> list[Object]:
        with self.changed:
            return [pod for pod in self.objects["pods"].values() if pod["metadata"]["labels"].get("job-name") == job]

    def count(self, method: str, part: str = "") -> int:
        return sum(seen.method == method and part in seen.path for seen in self.requests)

    def compact(self) -> None:
        """Forget all versions so far: watches from them are too old."""
        with self.changed:
            self.oldest_version = self._version + 1
            self._version = next(self._versions)

    def version(self) -> int:
        return self._version

    def _bump(self, metadata: Object) -> None:
        self._version = next(self._versions)
        metadata["resourceVersion"] = str(self._version)

    def _tell(self, collection: str, kind: str, item: Object) -> None:
        self.history.append((self._version, collection, kind, copy.deepcopy(item)))
        self.changed.notify_all()


def _owner(item: Object) -> str | None:
    return next((owner["uid"] for owner in item["metadata"].get("ownerReferences") or []), None)


@contextmanager
def api_server() -> Iterator[ApiServer]:
    server = ApiServer()
    server.start()
    try:
        yield server
    finally:
        server.close()
