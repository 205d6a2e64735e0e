"""Deletes the study's Jobs. What cannot be deleted now is tried again, and named in the log at last."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from nago_orchestrator.executors.kubernetes.api.background_requests import BackgroundRequests
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiUnavailableError
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.api.outage import Outage
from nago_orchestrator.executors.kubernetes.api.watch import JobWatch
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.timing import ExecutorTiming

log = logging.getLogger(__name__)


class JobDeletions:
    """Called from the loop's thread; `delete` from those of the requests, too."""

    def __init__(
        self, api: JobApi, watch: JobWatch, requests: BackgroundRequests, outage: Outage, study: StudyLabel
    ) -> None:
        self._api = api
        self._watch = watch
        self._requests = requests
        self._outage = outage
        self._study = study
        self._left: set[str] = set()
        """Names of Jobs that should be gone."""

    @property
    def are_due(self) -> bool:
        return bool(self._left)

    def stop(self, name: str) -> None:
        """The Job of that name, whether the watch has seen it or not."""
        self._left.add(name)
        try:
            self._requests.run({("stop", name): partial(self._stop, name)})
        except ApiError as error:  # of an earlier request, which must not keep the caller from stopping the next
            log.warning("%s", error, extra=self._study.log_fields())

    def delete(self, name: str, uid: str) -> None:
        try:
            self._api.delete(name, uid)
        except ApiUnavailableError as error:
            self._outage.note()
            self._left.add(name)
            log.warning("cannot delete the Job %s now: %s", name, error, extra=self._study.log_fields(name))
        else:
            self._left.discard(name)
            self._watch.remove(name, uid)

    def finish(self, timing: ExecutorTiming) -> None:
        """Try for a while. A Job that is left is named in the log: nobody else deletes it if its study is over."""
        deadline = time.monotonic() + timing.close_seconds
        self._requests.finish(timing.close_seconds)
        while self._left and (seconds := deadline - time.monotonic()) > 0:
            try:
                self._requests.run({("stop", name): partial(self._stop, name) for name in set(self._left)})
            except ApiError as error:
                log.warning("%s", error, extra=self._study.log_fields())
                break
            self._requests.finish(seconds)
            time.sleep(timing.close_pause_seconds if self._left else 0)
        for name in set(self._left):
            remedy = f"kubectl delete job {name} -n {self._api.namespace}"
            log.error("the Job %s was not deleted: run %s", name, remedy, extra=self._study.log_fields(name))
        self._left.clear()

    def _stop(self, name: str) -> None:
        try:
            found = self._watch.jobs().get(name) or self._find(name)
        except ApiError as error:
            log.warning(
                "cannot find out whether the Job %s exists: %s", name, error, extra=self._study.log_fields(name)
            )
            return
        if found is None:
            self._left.discard(name)
        else:
            self.delete(name, found["metadata"]["uid"])

    def _find(self, name: str) -> Mapping[str, Any] | None:
        """A Job that the watch has not seen; None as well for one of another study. Raises ApiError."""
        found = self._api.find(name)
        return found if found is not None and self._study.is_on(found) else None
