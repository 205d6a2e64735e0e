"""How `tests.api_server` speaks HTTP: requests in, answers, watches and scripted failures out."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.api_dry_run import drop_field, field_warnings, unknown_fields

if TYPE_CHECKING:
    from tests.api_server import ApiServer, Fault

Object = dict[str, Any]
_COLLECTION = re.compile(r"/(?:apis/batch/v1|api/v1)/namespaces/([^/]+)/(jobs|pods|events|secrets)")
KUBELET_SAYS = "unable to retrieve container logs"
_ITEM = re.compile(_COLLECTION.pattern + r"/([^/]+)(/log)?")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class ApiHttpServer(ThreadingHTTPServer):
    daemon_threads = True
    api: ApiServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class ApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ApiHttpServer

    def do_GET(self) -> None:  # http.server's name
        self._handle()

    def do_POST(self) -> None:  # http.server's name
        self._handle()

    def do_PATCH(self) -> None:  # http.server's name
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
        if query.get("follow"):
            self._follow_log(parts.path, query)
            return
        told = self.api.cluster.warnings if query.get("dryRun") else []
        told = [*told, *self._check_fields(query, body)]
        warnings = {"Warning": ", ".join(f'299 - "{text}"' for text in told)} if told else {}
        self._answer(*self._carry_out(parts.path, query, body), warnings)

    def _check_fields(self, query: dict[str, str], body: Any) -> list[str]:
        """Warnings about unknown fields, which are dropped. A strict request is refused for them instead."""
        asked = query.get("fieldValidation")
        if self.command != "POST" or "kind" not in (body or {}) or asked in ("Strict", "Ignore"):
            return []
        told = field_warnings(body, self.api.cluster.version)
        for text in told:
            drop_field(body, text)
        return [text.replace('"', '\\"') for text in told]

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
            while time.monotonic() < deadline and not fault.let_go and not self.api.closing:
                time.sleep(0.01)
            self.close_connection = True
            return
        self._answer(fault.status, status(fault.status, fault.message, fault.reason), fault.headers)

    def _carry_out(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        collection, item = _COLLECTION.fullmatch(path), _ITEM.fullmatch(path)
        with self.api.changed:
            if item is not None:
                return self._item(item[2], item[3], query if item[4] else None, body)
            if collection is None:
                further = self.api.cluster.answer(self.command, path, body)
                return further or (404, status(404, f"no such path {path}"))
            if self.command == "POST" and query.get("dryRun"):
                return self._dry_run(collection[2], body, strict=query.get("fieldValidation") == "Strict")
            wrong = unknown_fields(body, self.api.cluster.version) if query.get("fieldValidation") == "Strict" else None
            if wrong is not None:
                return 400, status(400, wrong, "BadRequest")
            if self.command == "POST":
                return self._create(collection[2], body)
            return self._list(collection[2], query)

    def _item(self, collection: str, name: str, log: dict[str, str] | None, body: Any) -> tuple[int, Any]:
        found = self.api.objects[collection].get(name)
        if found is None:
            return 404, status(404, f'{collection}.batch "{name}" not found', "NotFound")
        if log is not None:
            return 200, b"".join(line.encode() for line in log_lines(self.api.logs.get(name, ""), log))
        if (collection, "get") in self.api.cluster.denied:
            message = f'{collection} is forbidden: User "ada" cannot get resource "{collection}" in API group ""'
            return 403, status(403, message, "Forbidden")
        if self.command == "GET":
            return 200, found
        if self.command == "PATCH":
            self.api.change(collection, name, lambda item: item["metadata"].update(body["metadata"]))
            self.api.collect()
            return 200, self.api.objects[collection].get(name, found)
        wanted = ((body or {}).get("preconditions") or {}).get("uid")
        if wanted not in (None, found["metadata"]["uid"]):
            return 409, status(409, "the UID in the precondition does not match", "Conflict")
        self.api.remove(collection, name)
        return 200, status(200, "deleted")

    def _create(self, collection: str, body: Any) -> tuple[int, Any]:
        if body["metadata"]["name"] in self.api.objects[collection]:
            return 409, status(409, f'jobs.batch "{body["metadata"]["name"]}" already exists', "AlreadyExists")
        return 201, self.api.put(collection, body)

    def _dry_run(self, collection: str, body: Any, *, strict: bool) -> tuple[int, Any]:
        cluster = self.api.cluster
        if (collection, "create") in cluster.denied:
            message = f'{collection} is forbidden: User "ada" cannot create resource "{collection}" in API group ""'
            return 403, status(403, message, "Forbidden")
        wrong = unknown_fields(body, cluster.version) if strict else None
        return (201, body) if wrong is None else (400, status(400, wrong, "BadRequest"))

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
        told_at = time.monotonic()
        while time.monotonic() < end and not self.api.closing:
            with self.api.changed:
                if len(self.api.history) == seen:
                    self.api.changed.wait(min(self.api.bookmark_seconds, max(0.0, end - time.monotonic())))
                fresh = self.api.history[seen:]
                seen += len(fresh)
                at = self.api.version()
            if self.api.silent.is_set():
                self._stay_silent()
                return
            self._send_changes(collection, query, [change for change in fresh if change[0] > version])
            if fresh or time.monotonic() < told_at + self.api.bookmark_seconds:
                continue
            told_at = time.monotonic()
            if query.get("allowWatchBookmarks"):
                self._chunk({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(at)}}})

    def _stay_silent(self) -> None:
        while not self.api.closing:
            time.sleep(0.01)

    def _send_changes(
        self, collection: str, query: dict[str, str], changes: list[tuple[int, str, str, Object]]
    ) -> None:
        for _, where, kind, item in changes:
            if where == collection and _selected(item, query):
                self._chunk({"type": kind, "object": item})

    def _follow_log(self, path: str, query: dict[str, str]) -> None:
        """As a kubelet streams it: what is there, then what comes, until the container has ended."""
        matched = _ITEM.fullmatch(path)
        assert matched is not None
        if matched[3] not in self.api.objects["pods"]:
            self._answer(404, status(404, "no such pod", "NotFound"))
            return
        if not trainer_state(self.api.objects["pods"][matched[3]]):
            self._answer(400, status(400, "container is waiting to start: ContainerCreating", "BadRequest"))
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self._send_log(matched[3], query, self.api.cut_log_after.pop(0) if self.api.cut_log_after else None):
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True

    def _send_log(self, pod: str, query: dict[str, str], most: int | None) -> bool:
        """Whether it came to its end."""
        sent = 0
        while not self.api.closing:
            ended = "running" not in trainer_state(self.api.objects["pods"].get(pod, {}))
            lines = log_lines(self.api.logs.get(pod, ""), query)
            for line in lines[sent:]:
                self._chunk(line.encode())
                sent += 1
                if sent == most:
                    return False
            if ended:
                return True
            time.sleep(0.01)
        return False

    def _chunk(self, event: Object | bytes) -> None:
        line = event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n"
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


def trainer_state(pod: Object) -> Object:
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    state: Object = statuses[0].get("state") or {}
    return state


def log_lines(text: str, query: dict[str, str]) -> list[str]:
    """With their times, if they are asked for: all within one second, as a quick trainer's are.

    What the kubelet says about a log has none.
    """
    lines = text.splitlines(keepends=True)
    if query.get("timestamps"):
        stamps = (f"2026-05-04T12:00:00.{number:09d}Z " for number in range(len(lines)))
        lines = [
            line if line.startswith(KUBELET_SAYS) else stamp + line for stamp, line in zip(stamps, lines, strict=True)
        ]
    return lines[-int(query["tailLines"]) :] if query.get("tailLines") else lines


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
