"""An API server of the tests' own: Jobs, pods and events in memory, over real HTTP, and whatever may go wrong with it.

It knows no controllers: the test says when a Job gets its pod and what becomes of it (`tests.job_controller`).
"""

from __future__ import annotations

import copy
import itertools
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
NAMESPACE = "research"
_COLLECTION = re.compile(r"/(?:apis/batch/v1|api/v1)/namespaces/([^/]+)/(jobs|pods|events)")
_ITEM = re.compile(_COLLECTION.pattern + r"/([^/]+)(/log)?")


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
    times: int = 1


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class ApiServer:
    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = {"jobs": {}, "pods": {}, "events": {}}
        self.logs: dict[str, str] = {}
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
        self._http = _Server(("127.0.0.1", 0), _Handler)
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
        """Create or change an object, and tell the watches."""
        with self.changed:
            metadata = item["metadata"]
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
        """As `kubectl delete` does; a Job's pods go with it."""
        with self.changed:
            item = self.objects[collection].pop(name, None)
            if item is None:
                return
            item = copy.deepcopy(item)
            self._bump(item["metadata"])
            self._tell(collection, "DELETED", item)
            owned = [pod for pod, found in self.objects["pods"].items() if _owner(found) == item["metadata"]["uid"]]
        for pod in owned:
            self.remove("pods", pod)

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ApiServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:  # http.server's name
        self._handle()

    def do_POST(self) -> None:  # http.server's name
        self._handle()

    def do_DELETE(self) -> None:  # http.server's name
        self._handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""

    @property
    def api(self) -> ApiServer:
        return self.server.api

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        with self.api.changed:
            self.api.requests.append(Request(self.command, parts.path, query, dict(self.headers), body))
            fault = self._fault()
        if fault is not None and not fault.after_effect:
            self._fail(fault)
            return
        if fault is not None:
            self._carry_out(parts.path, query, body)
            self._fail(fault)
            return
        if query.get("watch"):
            self._watch(parts.path, query)
            return
        self._answer(*self._carry_out(parts.path, query, body))

    def _fault(self) -> Fault | None:
        for fault in self.api.faults:
            if fault.method == self.command and fault.path in self.path:
                fault.times -= 1
                if not fault.times:
                    self.api.faults.remove(fault)
                return fault
        return None

    def _fail(self, fault: Fault) -> None:
        if fault.status is None:
            deadline = time.monotonic() + fault.hang
            while time.monotonic() < deadline and not self.api.closing:
                time.sleep(0.01)
            self.close_connection = True
            return
        self._answer(fault.status, status(fault.status, fault.message, fault.reason), fault.headers)

    def _carry_out(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        collection, item = _COLLECTION.fullmatch(path), _ITEM.fullmatch(path)
        with self.api.changed:
            if item is not None:
                return self._item(item[2], item[3], bool(item[4]), body)
            if collection is None:
                return 404, status(404, f"no such path {path}")
            if self.command == "POST":
                return self._create(collection[2], body)
            return self._list(collection[2], query)

    def _item(self, collection: str, name: str, log: bool, body: Any) -> tuple[int, Any]:
        found = self.api.objects[collection].get(name)
        if found is None:
            return 404, status(404, f'{collection}.batch "{name}" not found', "NotFound")
        if log:
            return 200, self.api.logs.get(name, "").encode()
        if self.command == "GET":
            return 200, found
        wanted = ((body or {}).get("preconditions") or {}).get("uid")
        if wanted not in (None, found["metadata"]["uid"]):
            return 409, status(409, "the UID in the precondition does not match", "Conflict")
        self.api.remove(collection, name)
        return 200, status(200, "deleted")

    def _create(self, collection: str, body: Any) -> tuple[int, Any]:
        if body["metadata"]["name"] in self.api.objects[collection]:
            return 409, status(409, f'jobs.batch "{body["metadata"]["name"]}" already exists', "AlreadyExists")
        return 201, self.api.put(collection, body)

    def _list(self, collection: str, query: dict[str, str]) -> tuple[int, Any]:
        items = [item for _, item in sorted(self.api.objects[collection].items()) if _selected(item, query)]
        start = int(query.get("continue") or 0)
        if start and self.api.expired_pages:
            self.api.expired_pages -= 1
            return 410, status(410, "The provided continue parameter is too old", "Expired")
        size = self.api.page or int(query.get("limit") or 500)
        metadata = {"resourceVersion": str(self.api.version())}
        if start + size < len(items):
            metadata["continue"] = str(start + size)
        return 200, {"kind": "List", "metadata": metadata, "items": items[start : start + size]}

    def _watch(self, path: str, query: dict[str, str]) -> None:
        matched = _COLLECTION.fullmatch(path)
        assert matched is not None
        version = int(query["resourceVersion"])
        gone = status(410, f"too old resource version: {version}", "Expired")
        too_old = version < self.api.oldest_version
        if too_old and not self.api.gone_as_event:
            self._answer(410, gone)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if too_old:
            self._chunk({"type": "ERROR", "object": gone})
        else:
            self._stream(matched[2], version, query)
        self.wfile.write(b"0\r\n\r\n")

    def _stream(self, collection: str, version: int, query: dict[str, str]) -> None:
        end = time.monotonic() + min(self.api.watch_seconds, float(query.get("timeoutSeconds") or 60))
        seen = 0
        while time.monotonic() < end and not self.api.closing:
            with self.api.changed:
                if len(self.api.history) == seen:
                    self.api.changed.wait(min(self.api.bookmark_seconds, max(0.0, end - time.monotonic())))
                fresh = self.api.history[seen:]
                seen += len(fresh)
                at = self.api.version()
            if self.api.silent.is_set():
                while not self.api.closing:
                    time.sleep(0.01)
                return
            for number, where, kind, item in fresh:
                if number > version and where == collection and _selected(item, query):
                    self._chunk({"type": kind, "object": item})
            if not fresh and query.get("allowWatchBookmarks"):
                self._chunk({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(at)}}})

    def _chunk(self, event: Object) -> None:
        line = json.dumps(event).encode() + b"\n"
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()

    def _answer(self, code: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def status(code: int, message: str, reason: str = "") -> Object:
    return {"kind": "Status", "apiVersion": "v1", "code": code, "message": message, "reason": reason}


def _selected(item: Object, query: dict[str, str]) -> bool:
    labels = item["metadata"].get("labels") or {}
    for part in filter(None, query.get("labelSelector", "").split(",")):
        name, _, value = part.partition("=")
        if labels.get(name) != value:
            return False
    for part in filter(None, query.get("fieldSelector", "").split(",")):
        path, _, value = part.partition("=")
        found: Any = item
        for step in path.split("."):
            found = (found or {}).get(step)
        if found != value:
            return False
    return True
