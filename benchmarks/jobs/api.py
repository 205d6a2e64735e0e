"""Plain requests to an API server, for the programs around the orchestrator. Not the product's client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3

Object = dict[str, Any]
CONNECTIONS = 16
STRATEGIC = "application/strategic-merge-patch+json"


class ApiRefusalError(Exception):
    def __init__(self, status: int, content: bytes) -> None:
        super().__init__(f"{status}: {content[:300].decode(errors='replace')}")
        self.status = status


class Api:
    """Safe to use from several threads."""

    def __init__(self, address: str, token: str, authority: Path) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._pool = urllib3.PoolManager(ca_certs=str(authority), maxsize=CONNECTIONS, retries=False)

    def get(self, path: str) -> Object:
        return self._send("GET", path)

    def post(self, path: str, body: Object) -> Object:
        return self._send("POST", path, body)

    def patch(self, path: str, body: Object) -> Object:
        return self._send("PATCH", path, body, STRATEGIC)

    def delete(self, path: str, body: Object) -> Object:
        return self._send("DELETE", path, body)

    def follow(self, path: str) -> Iterator[tuple[str, Object]]:
        """LIST, then WATCH for ever: kinds of event and objects; what is there at first comes as ADDED."""
        listed = self.get(path)
        yield from (("ADDED", item) for item in listed["items"])
        version = listed["metadata"]["resourceVersion"]
        while True:
            for event in self._lines(f"{path}{'&' if '?' in path else '?'}watch=true&resourceVersion={version}"):
                if event["type"] == "ERROR":
                    raise ApiRefusalError(int(event["object"].get("code") or 0), json.dumps(event["object"]).encode())
                version = event["object"]["metadata"]["resourceVersion"]
                yield event["type"], event["object"]

    def _lines(self, path: str) -> Iterator[Object]:
        response = self._pool.request("GET", self._address + path, headers=self._headers, preload_content=False)
        rest = b""
        try:
            for chunk in response.stream():
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in whole if line)
        finally:
            response.close()

    def _send(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Object:
        response = self._pool.request(
            method,
            self._address + path,
            body=None if body is None else json.dumps(body),
            headers={**self._headers, "Content-Type": kind},
        )
        if response.status >= 300:
            raise ApiRefusalError(response.status, response.data)
        found = json.loads(response.data) if response.data.startswith(b"{") else {}
        return found if isinstance(found, dict) else {}
