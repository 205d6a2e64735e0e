"""How the study's Jobs ended, read once from their pods and logs, before the pods are gone."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.manifest.objects import newest, trainer_status
from nago_orchestrator.executors.kubernetes.status.causes import ended, has_ended, is_over

log = logging.getLogger(__name__)


class JobEnds:
    """By the Job's uid. `read` may be called from several threads."""

    def __init__(self, api: JobApi) -> None:
        self._api = api
        self._read: dict[str, Observation] = {}

    def is_due(self, job: Mapping[str, Any]) -> bool:
        return is_over(job) and job["metadata"]["uid"] not in self._read

    def read(self, name: str, job: Mapping[str, Any]) -> None:
        """Raises ApiError where the pods cannot be read; without a log the end is kept all the same."""
        pods = self._api.recent_pods(f"job-name={name}")
        if not has_ended(newest(pods)):
            pods = self._api.pods(f"job-name={name}")
        seen, pod = ended(job, pods), newest(pods)
        if seen.failure is not None and pod is not None and trainer_status(pod).get("containerID"):
            seen = ended(job, pods, log_tail=self._log_of(pod["metadata"]["name"]))
        self._read[job["metadata"]["uid"]] = seen

    def observe(self, job: Mapping[str, Any]) -> Observation:
        """Until its pods are read, nothing is known: a trial that was never seen to run shall not begin now."""
        uid = job["metadata"]["uid"]
        return self._read.get(uid) or Observation(phase=Phase.PENDING, uid=uid, message="its exit status is being read")

    def keep_only(self, uids: Collection[str]) -> None:
        """In place: a reading that is late may add something at any moment."""
        for uid in list(self._read):
            if uid not in uids:
                self._read.pop(uid, None)

    def _log_of(self, pod: str) -> str | None:
        try:
            return self._api.log_tail(pod)
        except ApiError as error:
            log.info("no log of the pod %s: %s", pod, error)
            return None
