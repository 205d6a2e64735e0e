"""How the study's attempts ended, read once from their pods and logs, before the pods are gone."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.manifest.objects import newest, trainer_status
from nago_orchestrator.executors.kubernetes.status.causes import ended, has_ended, is_over
from nago_orchestrator.executors.kubernetes.status.sightings import PodSightings
from nago_orchestrator.executors.kubernetes.status.suspension import is_suspended_away

log = logging.getLogger(__name__)

Object = Mapping[str, Any]


class JobEnds:
    """By the Job's uid. `read` may be called from several threads."""

    def __init__(self, api: JobApi, sightings: PodSightings) -> None:
        self._api = api
        self._sightings = sightings
        self._read: dict[str, Observation] = {}

    def is_due(self, job: Object) -> bool:
        return job["metadata"]["uid"] not in self._read and (is_over(job) or self._trainer_has_ended(job))

    def read(self, name: str, job: Object) -> None:
        """Raises ApiError where the pods cannot be read; without a log the end is kept all the same."""
        pods = self._pods(name, job["metadata"]["uid"])
        pod = newest(pods)
        if not is_over(job) and not _ended_by_itself(job, pod):
            return
        seen = ended(job, pods)
        if seen.failure is not None and pod is not None and trainer_status(pod).get("containerID"):
            seen = ended(job, pods, log_tail=self._log_of(pod["metadata"]["name"]))
        self._read[job["metadata"]["uid"]] = seen

    def observe(self, job: Object) -> Observation | None:
        """None for one that goes on.

        Until its pods are read, nothing is known: a trial that was never seen to run shall not begin now.
        """
        uid = job["metadata"]["uid"]
        if uid in self._read:
            return self._read[uid]
        if not is_over(job):
            return None
        return Observation(phase=Phase.PENDING, uid=uid, message="its exit status is being read")

    def keep_only(self, uids: Collection[str]) -> None:
        """In place: a reading that is late may add something at any moment."""
        for uid in list(self._read):
            if uid not in uids:
                self._read.pop(uid, None)
        self._sightings.keep_only(uids)

    def _trainer_has_ended(self, job: Object) -> bool:
        """Whatever else its pod has, e.g. a sidecar that goes on and keeps it, and the GPU."""
        return _ended_by_itself(job, self._sightings.last(job["metadata"]["uid"]))

    def _pods(self, name: str, uid: str) -> list[Object]:
        pods: list[Object] = [*self._api.recent_pods(f"job-name={name}")]
        if not has_ended(newest(pods)):
            pods = [*self._api.pods(f"job-name={name}")]
        if pods:
            return pods
        gone = self._sightings.await_last(uid)
        return [] if gone is None else [gone]

    def _log_of(self, pod: str) -> str | None:
        try:
            return self._api.log_tail(pod)
        except ApiError as error:
            log.info("no log of the pod %s: %s", pod, error)
            return None


def _ended_by_itself(job: Object, pod: Object | None) -> bool:
    return has_ended(pod) and not is_suspended_away(job, pod)
