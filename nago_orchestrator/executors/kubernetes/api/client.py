"""HTTP to the API server: plain JSON, a timeout on every call, a limited rate, and a second try where one makes sense.

Everything that fails is an ApiError. Used by the executor, its watch, and the commands that look at a cluster.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
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
from nago_trainer.contract.back_off import BackOff

CallListener = Callable[[str, str, float], None]
"""Told of every request: its verb, the answer's status (or `unanswered`), and the seconds until the answer began."""
UNANSWERED = "unanswered"
UNAUTHORIZED = 401
PAGE = 500
"""Most objects of one answer to a list."""
BACK_OFF = BackOff(first=0.25, longest=10.0)
Query = Mapping[str, str] | Mapping[str, str | int]
_WARNING = re.compile(r'\b299 \S+ "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How the client treats the API server, and how long it waits for it."""

    rate: float = 200.0
    """Requests a second, on average; watches are not counted. Studies of quick trials need about three a trial."""
    burst: int = 200
    tries: int = 4
    back_off: BackOff = BACK_OFF
    """Between two tries, with jitter."""
    connect_timeout: float = 5.0
    read_timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Query | None = None
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Answer:
    content: bytes
    warnings: tuple[str, ...]
    """What the API server notes about a request that it carries out."""


class KubernetesClient:
    """Safe to use from several threads."""

    def __init__(
        self,
        access: Access,
        options: ClientOptions | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        on_call: CallListener = lambda verb, status, seconds: None,
    ) -> None:
        self._access = access
        self._options = options or ClientOptions()
        self._sleep = sleep
        self._jitter = jitter
        self._on_call = on_call
        self._bucket = TokenBucket(rate=self._options.rate, burst=self._options.burst, sleep=sleep)
        self._lock = threading.Lock()
        """The package refreshes tokens in place."""

    @property
    def namespace(self) -> str:
        return self._access.namespace

    def get(self, path: str, query: Query | None = None, *, tries: int | None = None) -> dict[str, Any]:
        """`tries`: other than the usual."""
        request = Request("GET", path, query)
        return _parsed(request, self._ask(request, tries))

    def pages(self, path: str, query: Query) -> Iterator[dict[str, Any]]:
        """Of a list: it comes in parts."""
        parts = {**query, "limit": PAGE}
        while True:
            page = self.get(path, parts)
            yield page
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            parts["continue"] = following

    def post(self, path: str, body: Mapping[str, Any], query: Query | None = None) -> dict[str, Any]:
        """Tried again even where the first try may have reached the server: names make it harmless."""
        request = Request("POST", path, query, body)
        return _parsed(request, self._ask(request))

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A JSON merge patch."""
        request = Request("PATCH", path, body=body)
        return _parsed(request, self._ask(request))

    def warnings_of(self, path: str, body: Mapping[str, Any], query: Query) -> tuple[str, ...]:
        """The API server's warnings about a POST; the object that it answers is not read."""
        return self._ask(Request("POST", path, query, body)).warnings

    def delete(self, path: str, *, uid: str) -> None:
        """The object of that uid with all that belongs to it; raises ApiConflictError if another has its name now."""
        # Without a policy, the API server would leave a Job's pods behind.
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        self._ask(Request("DELETE", path, body=options))

    def text(self, path: str, query: Query | None = None, *, tries: int | None = None) -> str:
        """`tries`: other than the usual."""
        return self._ask(Request("GET", path, query), tries).content.decode(errors="replace")

    @contextlib.contextmanager
    def lines(self, path: str, query: Query, *, silence: float) -> Iterator[Iterator[bytes]]:
        """The lines of an answer that goes on. `silence` seconds without any are ApiUnavailableError.

        One try only; also raises ApiError when the answer breaks off, or is a refusal from the start.
        """
        try:
            with self._open(Request("GET", path, query), silence) as response:
                yield _split(response)
        except ApiError as error:
            if error.status == UNAUTHORIZED:
                self._reload()
            raise

    def _ask(self, request: Request, tries: int | None = None) -> Answer:
        """Raises ApiError once all tries have failed, or where another one would not help."""
        last = (tries or self._options.tries) - 1
        failures, renewed = 0, False
        while True:
            self._bucket.take()
            try:
                with self._open(request, self._options.read_timeout) as response:
                    return Answer(response.read(), read_warnings(response.headers.getlist("Warning")))
            except ApiUnavailableError as error:
                if failures == last:
                    raise
                pause = max(error.retry_after, self._options.back_off.jittered(failures, self._jitter))
                self._sleep(min(pause, self._options.back_off.longest))
            except ApiError as error:
                if error.status != UNAUTHORIZED or renewed or failures == last:
                    raise
                renewed = True
                self._reload()
            failures += 1

    @contextlib.contextmanager
    def _open(self, request: Request, read_timeout: float) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer to one try, not read yet. Raises ApiError for a refusal."""
        with _translated(str(request)):
            response = self._send(request, read_timeout)
            try:
                if response.status >= 300:
                    raise _refusal(response, request)
                yield response
            finally:
                response.close()  # one that was read to its end has given its connection back already

    def _send(self, request: Request, read_timeout: float) -> urllib3.BaseHTTPResponse:
        with self._lock:
            headers = dict(self._access.headers())
            pool, host = self._access.pool, self._access.host
        if request.body is not None:
            headers["Content-Type"] = f"application/{'merge-patch+' if request.method == 'PATCH' else ''}json"
        began, status = time.monotonic(), UNANSWERED
        try:
            response = pool.request(
                request.method,
                host + request.target,
                body=None if request.body is None else json.dumps(request.body),
                headers=headers,
                timeout=urllib3.Timeout(connect=self._options.connect_timeout, read=read_timeout),
                preload_content=False,
                retries=False,
                redirect=False,
            )
            status = str(response.status)
        finally:
            verb = "WATCH" if request.query and "watch" in request.query else request.method
            self._on_call(verb, status, time.monotonic() - began)
        return response

    def _reload(self) -> None:
        with _translated("credentials"), self._lock:
            self._access.reload()


def _parsed(request: Request, answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.content)
    except ValueError as error:
        raise ApiError(f"the API server's answer to {request} is not JSON") from error
    return content if isinstance(content, dict) else {}


def _refusal(response: urllib3.BaseHTTPResponse, request: Request) -> ApiError:
    error = error_of(response.status, response.read(), str(request))
    if isinstance(error, ApiUnavailableError):
        error.retry_after = _seconds(response.headers.get("Retry-After"))
    return error


def read_warnings(headers: list[str]) -> tuple[str, ...]:
    """The texts of `Warning` headers: code, agent and a quoted text, of which one header may hold several."""
    texts = [text for header in headers for text in _WARNING.findall(header)]
    return tuple(dict.fromkeys(" ".join(_ESCAPED.sub(r"\1", text).split()) for text in texts))


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:  # a kubeconfig that is being written, say
        raise ApiUnavailableError(str(error)) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise ApiUnavailableError(f"the API server does not answer {what}: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "timeout"
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
