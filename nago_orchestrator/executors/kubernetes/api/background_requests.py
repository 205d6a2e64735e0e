"""Requests that run side by side in the background, each waited for once and only briefly: the loop must not block.

An API server that is slow or dead blocks its caller for a minute and more. A request that is not done in time continues
by itself and is not started a second time meanwhile; its outcome is picked up later.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

Send = Callable[[], object]
"""Sends a request and does what comes of it."""


class Wait(Protocol):
    """As `concurrent.futures.wait`."""

    def __call__(self, fs: Iterable[Future[object]], timeout: float) -> object: ...


class BackgroundRequests:
    """For one thread that starts them; the requests themselves run in threads of their own."""

    def __init__(self, *, at_once: int, wait_seconds: float, name: str, wait: Wait = wait) -> None:
        """`wait_seconds`: how long those which begin together are waited for."""
        self._wait_seconds = wait_seconds
        self._wait = wait
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._under_way: dict[Hashable, Future[object]] = {}

    def run(self, requests: Mapping[Hashable, Send]) -> None:
        """Begin those that are not under way, and wait for them; not at all while an earlier one is late.

        Raises the first error of those that are done, including those that were late.
        """
        late = [done for done in self._under_way.values() if not done.done()]
        begun = [key for key in requests if key not in self._under_way or self._under_way[key].done()]
        ended = self._take_done()
        self._under_way.update({key: self._pool.submit(requests[key]) for key in begun})
        self._wait([self._under_way[key] for key in begun], timeout=0 if late else self._wait_seconds)
        for future in [*ended, *self._take_done()]:
            future.result()

    def is_under_way(self, key: Hashable) -> bool:
        return key in self._under_way and not self._under_way[key].done()

    def has_news(self) -> bool:
        """Whether one that was late is done."""
        return any(future.done() for future in self._under_way.values())

    def finish(self, seconds: float) -> None:
        """Wait for all that is under way, at most so long; their errors are dropped."""
        self._wait(self._under_way.values(), timeout=seconds)
        self._take_done()

    def close(self) -> None:
        """Nothing may begin any more; what is under way goes on."""
        self._pool.shutdown(wait=False)

    def _take_done(self) -> list[Future[object]]:
        done = [key for key, future in self._under_way.items() if future.done()]
        return [self._under_way.pop(key) for key in done]
