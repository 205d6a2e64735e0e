"""Follows the Jobs that are not over: which train, which wait and for what, and which have waited too long.

Newer clusters say in a Job's status whether its pod is ready. Where one is not, the study's pods are read, all at once
and not too often.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.manifest.objects import newest, parse_time, trainer_status
from nago_orchestrator.executors.kubernetes.manifest.settings import WaitLimits
from nago_orchestrator.executors.kubernetes.status.causes import is_over
from nago_orchestrator.executors.kubernetes.status.sightings import PodSightings
from nago_orchestrator.executors.kubernetes.status.suspension import is_suspended, is_suspended_away
from nago_orchestrator.executors.kubernetes.status.waiting import (
    Waiting,
    given_up,
    is_created_slowly,
    limit_of,
    waiting,
)

log = logging.getLogger(__name__)

POLL_INTERVAL = timedelta(seconds=5)
LONG_POLL_INTERVAL = timedelta(seconds=15)
"""While all trials run, as far as is known: only for clusters that do not tell so in the Jobs."""
TOLD_ANEW = timedelta(minutes=1)
"""How often what is said of a Job that waits changes, while the reason is the same: counts of nodes, back-offs."""
Object = Mapping[str, Any]


class UnfinishedJobs:
    def __init__(self, api: JobApi, limits: WaitLimits, selector: str, sightings: PodSightings) -> None:
        self._sightings = sightings
        self._api = api
        self._limits = limits
        self._selector = selector
        self._polled_at = datetime.min.replace(tzinfo=UTC)
        self._seen: dict[str, list[Object]] = {}
        """Pods by their Job's uid, as last read."""
        self._events: dict[str, list[Object]] = {}
        self._sees = True
        """Whether the last poll was answered. If not, a warning is logged once, and nothing that waits is given up."""
        self._begun: dict[str, str | None] = {}
        """Uids of Jobs whose pods were seen to run, and of these pods, as far as they were read."""
        self._clocks: dict[str, tuple[Waiting, datetime]] = {}
        """By uid, what a Job waits for and since when: as the cluster says, or else as first seen."""
        self._told: dict[str, tuple[Waiting, datetime]] = {}
        """By uid, what was said last of a Job that waits, and since when."""

    def is_due(self, jobs: Mapping[str, Object], now: datetime) -> bool:
        """Whether pods should be read now; the next time comes only some seconds after one that was due."""
        uids = {job["metadata"]["uid"] for job in jobs.values()}
        self._clocks = {uid: clock for uid, clock in self._clocks.items() if uid in uids}
        self._told = {uid: told for uid, told in self._told.items() if uid in uids}
        self._begun = {uid: pod for uid, pod in self._begun.items() if uid in uids}
        idle = [job for job in jobs.values() if _is_of_interest(job)]
        waits = any(job["metadata"]["uid"] not in self._begun for job in idle)
        if not idle or now < self._polled_at + (POLL_INTERVAL if waits else LONG_POLL_INTERVAL):
            return False
        self._polled_at = now
        return True

    def poll(self, jobs: Mapping[str, Object], now: datetime) -> None:
        """Read the pods. While the API server does not answer, what was seen last holds."""
        try:
            seen = _by_owner(self._api.pods(self._selector))
            podless = [job for job in jobs.values() if _is_of_interest(job) and job["metadata"]["uid"] not in seen]
            events = self._api.failed_creates() if podless else []
            if any(is_created_slowly(newest(pods), now) for pods in seen.values()):
                events += self._api.pod_warnings()
        except ApiError as error:
            if self._sees:
                log.warning("cannot read why trials wait: %s", error)
            self._sees = False
            return
        for uid, pods in seen.items():
            self._sightings.note(uid, pods)
        self._seen, self._events, self._sees = seen, _by_object(events), True

    def observe(self, job: Object, now: datetime) -> Observation:
        """A Job that is not over."""
        uid = job["metadata"]["uid"]
        suspended = is_suspended(job)
        # Not those of before a suspension, which were asked to end then: they say nothing of a Job that goes on.
        pods = [pod for pod in self._seen.get(uid, []) if suspended or not is_suspended_away(job, pod)]
        pod = newest(pods)
        if not suspended and self._is_replaced(uid, pod):
            return _replaced(uid, now)
        ready = (job.get("status") or {}).get("ready") and not suspended
        events = [*self._events.get(uid, []), *self._events.get(_uid(pod) or "", [])]
        found = None if ready else waiting(job, pods, events)
        if found is not None:
            self._begun.pop(uid, None)
            return self._within_limit(uid, found, now)
        self._clocks.pop(uid, None)
        self._begun[uid] = _uid(pod)
        return _running(job, pod)

    def _is_replaced(self, uid: str, pod: Object | None) -> bool:
        """Whether a pod had begun that has a successor: Kubernetes before 1.25 makes one for a pod that is deleted."""
        before = self._begun.get(uid)
        return before is not None and pod is not None and _uid(pod) != before

    def _within_limit(self, uid: str, found: Waiting, now: datetime) -> Observation:
        before, since = self._clocks.get(uid, (found, now))
        if before.clock is not found.clock:
            since = now
        elif found.reason == "ImagePullBackOff":
            found = before  # which knows why the pull failed
        since = min(since, found.since or since)
        self._clocks[uid] = found, since
        allowed = limit_of(found.clock, self._limits)
        if allowed is None or now < since + allowed or not self._sees:
            return self._pending(uid, found, now)
        cause = given_up(found)
        return Observation(
            phase=Phase.ENDED,
            failure=cause.failure,
            reason=cause.reason,
            message=cause.message,
            uid=uid,
            ended_at=now,
        )

    def _pending(self, uid: str, found: Waiting, now: datetime) -> Observation:
        """Not each time in other words: whoever stores them would write each time."""
        told, at = self._told.get(uid, (found, now))
        if told.reason != found.reason or now >= at + TOLD_ANEW:
            told, at = found, now
        self._told[uid] = told, at
        return Observation(phase=Phase.PENDING, uid=uid, reason=told.reason, message=told.message)


def _uid(pod: Object | None) -> str | None:
    return None if pod is None else pod["metadata"].get("uid")


def _replaced(uid: str, now: datetime) -> Observation:
    """New attempts are ours to make: two trainers of one attempt get in each other's way."""
    return Observation(
        phase=Phase.ENDED,
        failure=Failure.INFRASTRUCTURE,
        reason="PodDeleted",
        message="its pod was deleted, and the cluster created another one",
        uid=uid,
        ended_at=now,
    )


def _is_of_interest(job: Object) -> bool:
    """Not begun, and nobody else's to begin."""
    if is_over(job) or is_suspended(job):
        return False
    return not (job.get("status") or {}).get("ready")


def _by_owner(pods: list[dict[str, Any]]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for pod in pods:
        for owner in pod["metadata"].get("ownerReferences") or []:
            found[owner["uid"]].append(pod)
    return dict(found)


def _by_object(events: list[dict[str, Any]]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for event in events:
        found[(event.get("involvedObject") or {}).get("uid") or ""].append(event)
    return dict(found)


def _running(job: Object, pod: Object | None) -> Observation:
    started = (trainer_status(pod).get("state") or {}).get("running") or {}
    return Observation(
        phase=Phase.RUNNING,
        uid=job["metadata"]["uid"],
        node=((pod or {}).get("spec") or {}).get("nodeName"),
        started_at=parse_time(started.get("startedAt")),
    )
