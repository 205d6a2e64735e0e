"""What `tests.api_server` says beside Jobs, pods and events: its version, rights, and objects that are only read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
_NAMESPACED = re.compile(r"/api/v1/namespaces/([^/]+)/([a-z]+)(?:/([^/]+))?")
_NAMESPACE = re.compile(r"/api/v1/(namespaces)/([^/]+)")
_SCOPELESS = re.compile(r"/api/v1/(nodes)(?:/([^/]+))?")
_QUEUE = re.compile(r"/apis/kueue\.x-k8s\.io/v1beta1/namespaces/[^/]+/(localqueues)/([^/]+)")
KUEUE = "/apis/kueue.x-k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass
class ApiCluster:
    """Everything is there to be changed by the test."""

    version: str = "v1.34.1"
    has_kueue: bool = False
    denied: set[tuple[str, str]] = field(default_factory=set)
    """Resource and verb; the resource with its group (jobs.batch) and subresource (pods/log)."""
    warnings: list[str] = field(default_factory=list)
    """What every dry run is told."""
    objects: dict[str, dict[str, Object]] = field(
        default_factory=lambda: {"namespaces": {"research": {"metadata": {"name": "research"}}}}
    )
    """By collection and name."""

    def put(self, collection: str, name: str, **content: Any) -> None:
        metadata = {"name": name, **content.pop("metadata", {})}
        self.objects.setdefault(collection, {})[name] = {"metadata": metadata, **content}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        """None for a path that is not of this kind."""
        if path == "/version":
            return 200, {"gitVersion": self.version}
        if path == KUEUE and self.has_kueue:
            return 200, {"kind": "APIGroup", "name": "kueue.x-k8s.io", "preferredVersion": {"version": "v1beta1"}}
        if path == REVIEWS and method == "POST":
            return 201, {"status": {"allowed": not self._is_denied(body["spec"]["resourceAttributes"])}}
        named = _NAMESPACE.fullmatch(path) or _SCOPELESS.fullmatch(path) or _QUEUE.fullmatch(path)
        if named is not None:
            return self._read(named[1], named[2])
        within = _NAMESPACED.fullmatch(path)
        return None if within is None or within[2] in ("pods", "events") else self._read(within[2], within[3])

    def _is_denied(self, asked: Object) -> bool:
        name = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return (f"{name}.{asked['group']}" if asked["group"] else name, asked["verb"]) in self.denied

    def _read(self, collection: str, name: str | None) -> tuple[int, Any]:
        verb = "get" if name else "list"
        if (collection, verb) in self.denied:
            message = f'{collection} is forbidden: User "ada" cannot {verb} resource "{collection}" in API group ""'
            return 403, {"kind": "Status", "code": 403, "message": message, "reason": "Forbidden"}
        there = self.objects.get(collection, {})
        if name is None:
            return 200, {"kind": "List", "metadata": {}, "items": [there[key] for key in sorted(there)]}
        if name not in there:
            return 404, {"kind": "Status", "code": 404, "message": f'"{name}" not found', "reason": "NotFound"}
        return 200, there[name]
