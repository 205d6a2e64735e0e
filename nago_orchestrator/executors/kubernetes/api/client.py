"""HTTP to the API server: plain JSON, a timeout on every call, a limited rate, and a second try where one makes sense.

Everything that fails is an ApiError. Used by the executor, its watch, and the commands that look at a cluster.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3

from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.kubernetes.api.access import Access
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiUnavailableError, error_of
from nago_orchestrator.executors.kubernetes.api.token_bucket import TokenBucket

CallListener = Callable[[str, str, float], None]
"""Told of every request: its verb, the answer's status (or `unanswered`), and the seconds until the answer began."""
UNANSWERED = "unanswered"
Query = Mapping[str, str] | Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the client treats the API server, and how much of its patience it asks of us."""

    rate: float = 200.0
    """Requests a second, on average; watches are not counted. Studies of quick trials need about three a trial."""
    burst: int = 200
    tries: int = 4
    first_pause: float = 0.25
    """Seconds before the second try; doubles, with jitter."""
    longest_pause: float = 10.0
    connect_timeout: float = 5.0
    read_timeout: float = 20.0


class KubernetesClient:
    """Safe to use from several threads."""

    def __init__(
        self,
        access: Access,
        manners: Manners | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        on_call: CallListener = lambda verb, status, seconds: None,
    ) -> None:
        self._access = access
        self._manners = manners or Manners()
        self._sleep = sleep
        self._jitter = jitter
        self._on_call = on_call
        self._bucket = TokenBucket(rate=self._manners.rate, burst=self._manners.burst, sleep=sleep)
        self._lock = threading.Lock()
        """The package refreshes tokens in place."""

    @property
    def namespace(self) -> str:
        return self._access.namespace

    def get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        return self._json("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Tried again even where the first try may have reached the server: names make it harmless."""
        return self._json("POST", path, body=body)

    def delete(self, path: str, *, uid: str) -> None:
        """The object of that uid with all that belongs to it; raises ApiConflictError if another has its name now."""
        # Without a policy, the API server would leave a Job's pods behind.
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        self._json("DELETE", path, body=options)

    def text(self, path: str, query: Query | None = None, *, tries: int | None = None) -> str:
        """`tries`: other than the usual."""
        return self._request("GET", path, query=query, tries=tries).decode(errors="replace")

    @contextlib.contextmanager
    def lines(self, path: str, query: Query, *, silence: float) -> Iterator[Iterator[bytes]]:
        """The lines of an answer that goes on. `silence` seconds without any are ApiUnavailableError.

        One try only; also raises ApiError when the answer breaks off, or is a refusal from the start.
        """
        what = f"GET {path}"
        timeout = urllib3.Timeout(connect=self._manners.connect_timeout, read=silence)
        with _translated(what):
            response = self._send("GET", path, query, None, timeout)
            try:
                if response.status == 401:
                    self._reload()
                if response.status >= 300:
                    raise error_of(response.status, response.read(), what)
                yield _split(response)
            finally:
                response.close()

    def _json(
        self, method: str, path: str, *, query: Query | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        content = self._request(method, path, query=query, body=body)
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise ApiError(f"Kubernetes answered {method} {path} with something that is not JSON") from error
        return answer if isinstance(answer, dict) else {}

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        tries: int | None = None,
    ) -> bytes:
        pause = self._manners.first_pause
        renewed = False
        for left in reversed(range(tries or self._manners.tries)):
            try:
                return self._try(method, path, query, body)
            except ApiUnavailableError as error:
                if not left:
                    raise
                asked = error.retry_after
                self._sleep(min(max(asked, pause * (0.5 + self._jitter())), self._manners.longest_pause))
                pause *= 2
            except ApiError as error:
                if error.status != 401 or renewed or not left:
                    raise
                renewed = True
                self._reload()
        raise ApiUnavailableError(f"{method} {path} was not tried")

    def _try(self, method: str, path: str, query: Query | None, body: Mapping[str, Any] | None) -> bytes:
        what = f"{method} {path}"
        timeout = urllib3.Timeout(connect=self._manners.connect_timeout, read=self._manners.read_timeout)
        self._bucket.take()
        with _translated(what):
            response = self._send(method, path, query, body, timeout)
            try:
                content = response.read()
            finally:
                response.release_conn()
        if response.status < 300:
            return content
        error = error_of(response.status, content, what)
        if isinstance(error, ApiUnavailableError):
            error.retry_after = _seconds(response.headers.get("Retry-After"))
        raise error

    def _send(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: Mapping[str, Any] | None,
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        with self._lock:
            headers = dict(self._access.headers())
            pool, host = self._access.pool, self._access.host
        if body is not None:
            headers["Content-Type"] = "application/json"
        began, status = time.monotonic(), UNANSWERED
        try:
            response = pool.request(
                method,
                host + path + (f"?{urlencode(query)}" if query else ""),
                body=None if body is None else json.dumps(body),
                headers=headers,
                timeout=timeout,
                preload_content=False,
                retries=False,
                redirect=False,
            )
            status = str(response.status)
        finally:
            self._on_call("WATCH" if query and "watch" in query else method, status, time.monotonic() - began)
        return response

    def _reload(self) -> None:
        with _translated("credentials"), self._lock:
            self._access.reload()


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:  # a kubeconfig that is being written, say
        raise ApiUnavailableError(str(error)) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ApiUnavailableError(f"Kubernetes does not answer {what}: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "no answer in time"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _split(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines; what a broken answer leaves behind the last line's end is no line."""
    rest = b""
    for chunk in response.stream(amt=None if response.chunked else 65_536):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)


def _seconds(text: str | None) -> float:
    """Of a Retry-After header; one that is a date counts as none."""
    return float(text) if text and text.isdigit() else 0.0
