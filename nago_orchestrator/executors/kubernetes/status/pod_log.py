"""What the pod of an attempt prints: as it is, or as it grows. Called by `nago-orch logs`.

A stream of the API server breaks off for many reasons of its own. Every line comes with its time, so that the next one
goes on where the last one ended. One without a time is not the trainer's but the node's, about the log itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiError,
    ApiForbiddenError,
    ApiNotFoundError,
    ApiUnavailableError,
)
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER, newest, trainer_status
from nago_orchestrator.executors.kubernetes.status.waiting import waiting

PAUSE_SECONDS = 1.0
SILENCE_SECONDS = 60.0
"""A stream without a line for so long is taken for dead; training may well be silent for longer."""
BAD_REQUEST = 400
"""The answer where the container has not begun."""
Say = Callable[[str], None]
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """To the nanosecond, which the API server tells and a datetime does not hold."""

    second: datetime
    nanosecond: int


@dataclass(slots=True)
class PodLog:
    api: JobApi
    name: str
    """The attempt's, which is its Job's."""
    sleep: Callable[[float], None] = time.sleep
    silence_seconds: float = SILENCE_SECONDS
    _last: Moment | None = field(default=None, init=False)
    """When the last line that was given away was written."""

    def read(self, tail: int | None, say: Say) -> list[str] | None:
        """The lines so far, or the last so many; None if there is no pod, or it has not begun, which `say` is told."""
        pod = newest(self.api.pods(f"job-name={self.name}"))
        reason = _not_begun(pod)
        if pod is None or reason is not None:
            say(reason or "")
            return None
        query: dict[str, str | int] = {"container": CONTAINER, "timestamps": "true"}
        text = self.api.client.text(self._path(pod), {**query, **({} if tail is None else {"tailLines": tail})})
        return [line for stamped in _lines(text) for _, line in _read(stamped, say)]

    def follow(self, tail: int | None, alive: Callable[[], bool], say: Say) -> Iterator[str]:
        """The same, and then every further line until the attempt is over. `alive`: whether it is not.

        Raises ApiForbiddenError without the right to read logs; everything else that fails is tried again.
        """
        while True:
            try:
                pod = newest(self.api.pods(f"job-name={self.name}"))
                reason = _not_begun(pod)
                if pod is not None and reason is None:
                    yield from self._stream(pod, tail, say)
                    if _is_over(newest(self.api.pods(f"job-name={self.name}"))):
                        yield from self._rest(pod, say)
                        return
            except ApiForbiddenError:
                raise
            except ApiError as error:
                reason = str(error) if _is_worth_telling(error) else None
            if not alive():
                return
            if reason is not None:
                say(reason)
            self.sleep(PAUSE_SECONDS)

    def _stream(self, pod: Mapping[str, Any], tail: int | None, say: Say) -> Iterator[str]:
        query = {"container": CONTAINER, "follow": "true", "timestamps": "true", **self._since(tail)}
        with self.api.client.lines(self._path(pod), query, silence=self.silence_seconds) as lines:
            for line in lines:
                yield from self._new(line.decode(errors="replace"), say)

    def _rest(self, pod: Mapping[str, Any], say: Say) -> Iterator[str]:
        """What came without an end of line, or while no stream was open."""
        query = {"container": CONTAINER, "timestamps": "true", **self._since(None)}
        try:
            text = self.api.client.text(self._path(pod), query)
        except (ApiNotFoundError, ApiUnavailableError):
            return
        for line in _lines(text):
            yield from self._new(line, say)

    def _since(self, tail: int | None) -> dict[str, str | int]:
        if self._last is not None:
            return {"sinceTime": self._last.second.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return {} if tail is None else {"tailLines": tail}

    def _new(self, line: str, say: Say) -> Iterator[str]:
        """The line without its time, unless it was there before."""
        for moment, text in _read(line, say):
            if self._last is None or moment > self._last:
                self._last = moment
                yield text

    def _path(self, pod: Mapping[str, Any]) -> str:
        return self.api.log_path(pod["metadata"]["name"])


def _lines(text: str) -> list[str]:
    """Only a line feed ends one: progress bars return to its beginning."""
    return text.removesuffix("\n").split("\n") if text else []


def _read(line: str, say: Say) -> Iterator[tuple[Moment, str]]:
    """When it was written, and what."""
    stamp, _, text = line.partition(" ")
    moment = read_moment(stamp)
    if moment is not None:
        yield moment, text
    elif line:
        say(f"the node says: {line}")


def read_moment(stamp: str) -> Moment | None:
    match = _STAMP.fullmatch(stamp)
    if match is None:
        return None
    second = datetime.fromisoformat(match[1] + match[3]).astimezone(UTC)
    return Moment(second, int((match[2] or "").ljust(9, "0")[:9]))


def _not_begun(pod: Mapping[str, Any] | None) -> str | None:
    """Why there is nothing to read; None if there is."""
    if pod is None:
        return "the attempt has no pod, either not yet or no longer"
    state = trainer_status(pod).get("state") or {}
    if "running" in state or "terminated" in state:
        return None
    found = waiting({}, [pod], [])
    return None if found is None else found.message


def _is_over(pod: Mapping[str, Any] | None) -> bool:
    """Whether nothing comes after what was read: its container has ended."""
    return pod is not None and "terminated" in (trainer_status(pod).get("state") or {})


def _is_worth_telling(error: ApiError) -> bool:
    """Not: a stream that was silent or ended, a pod that has just gone, a container that has not begun."""
    return error.status not in (0, BAD_REQUEST) and not isinstance(error, ApiNotFoundError)
