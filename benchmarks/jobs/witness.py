"""Sees what becomes of the Jobs, by a watch of its own: when each came and went, and whether any came twice."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import urllib3

from benchmarks.jobs.api import Api
from benchmarks.jobs.control_plane import NAMESPACE

JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
TRIAL = "nago.dev/trial"


class Witness:
    """Begins at once, in a daemon thread."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._changed = threading.Condition()
        self.came: dict[str, float] = {}
        """By uid, when it was first seen, in seconds since the epoch."""
        self.went: dict[str, float] = {}
        self.twice: set[str] = set()
        """Trials that had two Jobs at one time."""
        self._there: dict[str, str] = {}
        """Uids by trial."""
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def there(self) -> int:
        return len(self.came) - len(self.went)

    def wait_for_new(self, known: int, timeout: float) -> float:
        """When the Job after the first `known` ones came. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.came) > known, timeout):
                raise TimeoutError("no further Job came")
            return sorted(self.came.values())[known]

    def _run(self) -> None:
        with suppress(urllib3.exceptions.HTTPError):  # the API server is gone: the measurement is over
            self._watch()

    def _watch(self) -> None:
        for kind, job in self._api.follow(JOBS):
            uid, now = job["metadata"]["uid"], time.time()
            trial = (job["metadata"].get("labels") or {}).get(TRIAL, uid)
            with self._changed:
                if kind == "DELETED":
                    self.went[uid] = now
                    if self._there.get(trial) == uid:
                        del self._there[trial]
                else:
                    self.came.setdefault(uid, now)
                    if self._there.setdefault(trial, uid) != uid:
                        self.twice.add(trial)
                self._changed.notify_all()
