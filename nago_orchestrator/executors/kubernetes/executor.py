"""Runs every attempt of a study as a Job. Level-triggered: each look compares what is wanted with what the cluster has.

The watch tells how Jobs are; pods are read only for causes: once when a Job has ended, and now and then while some
have not begun. An API server that does not answer delays everything and fails nothing: attempts stay as they were
last seen, and what could not be created or deleted is tried again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from nago_orchestrator.domain import Failure, Observation, Phase
from nago_orchestrator.executors.kubernetes.api_errors import (
    ApiError,
    ApiForbiddenError,
    ApiUnavailableError,
    ForeignJobError,
)
from nago_orchestrator.executors.kubernetes.causes import ended, is_over
from nago_orchestrator.executors.kubernetes.jobs import JobApi
from nago_orchestrator.executors.kubernetes.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest import build_job
from nago_orchestrator.executors.kubernetes.objects import newest, trainer_status
from nago_orchestrator.executors.kubernetes.patience import WaitingRoom
from nago_orchestrator.executors.kubernetes.settings import KubernetesSettings
from nago_orchestrator.executors.kubernetes.watch import JobWatch
from nago_trainer.contract import TrialTask

log = logging.getLogger(__name__)

FIRST_LIST_SECONDS = 30.0
REFUSAL_PAUSE = timedelta(seconds=5)
"""Before a Job that could not be created is created again."""
AT_ONCE = 8
"""Requests that are under way at one time; each waits for an answer most of its life."""
DELETED = "JobDeleted"
_ATTEMPT_NAME = re.compile(r"-t(\d+)-a(\d+)$")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Refusal:
    until: datetime
    since: datetime
    message: str


class KubernetesExecutor:
    """For one study; only one orchestrator at a time may use it, which the store's lock on the study sees to."""

    def __init__(
        self,
        api: JobApi,
        settings: KubernetesSettings,
        study: StudyLabel,
        *,
        watch: JobWatch | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._api = api
        self._settings = settings
        self._study = study
        self._clock = clock
        self._watch = watch or JobWatch(api.client, api.path, study.selector)
        self._waiting = WaitingRoom(api, settings.patience, study.selector)
        self._refused: dict[str, _Refusal] = {}
        self._taken: dict[str, Observation] = {}
        """Names that other people's Jobs have: the attempts are over, and the next ones are called otherwise."""
        self._ended: dict[str, Observation] = {}
        """By uid: causes are read once, before the pods go."""
        self._undeleted: dict[str, str] = {}
        """Uids by name of Jobs that should be gone."""
        self._leave_api_until = datetime.min.replace(tzinfo=UTC)
        self._changes = -1
        """Of the watch, when its Jobs were last looked at."""
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"jobs of {study.name}")

    @property
    def name(self) -> str:
        return "kubernetes"

    @property
    def reads_stored_tasks(self) -> bool:
        return True

    def start(self, name: str, task: TrialTask) -> None:
        """Raises ApiError if the API server refuses the Job for good."""
        job = build_job(name, task, self._study, self._settings)
        try:
            if self._clock() < self._leave_api_until:
                raise ApiUnavailableError("Kubernetes did not answer a moment ago")
            self._watch.add(self._api.create(job))
        except ApiUnavailableError as error:
            self._leave_api_until = self._clock() + REFUSAL_PAUSE
            self._refuse(name, error)
        except ApiForbiddenError as error:
            if not error.is_quota:
                raise
            self._refuse(name, error)
        except ForeignJobError as error:
            self._taken[name] = _ended(self._clock(), "NameTaken", str(error))
        else:
            self._refused.pop(name, None)

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        self._side_by_side(lambda name: self.start(name, tasks[name]), list(tasks))

    def has_news(self) -> bool:
        return self._watch.changes != self._changes

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        """`names` are all attempts that are not over; whatever other Jobs the study has are deleted."""
        if not self._watch.wait_synced(FIRST_LIST_SECONDS):
            log.warning("Kubernetes does not list the Jobs: %s", self._watch.trouble, extra=self._about())
            return {name: Observation(phase=Phase.PENDING) for name in names}
        self._changes = self._watch.changes  # before the Jobs are read: what comes in between is news
        jobs = self._watch.jobs()
        self._clear_away(jobs, names)
        self._forget(jobs, names)
        self._waiting.look(jobs, self._clock())
        self._read_ends({name: jobs[name] for name in names if name in jobs and name not in self._taken})
        return {name: self._observe(name, jobs.get(name)) for name in names}

    def stop(self, name: str, *, grace_seconds: float) -> None:
        """The pod's template says how long it may take. A deletion that fails is tried again, by `close` at last."""
        self._refused.pop(name, None)
        found = self._watch.jobs().get(name) or self._find(name)
        if found is not None:
            self._delete(name, found["metadata"]["uid"])

    def log_tail(self, name: str) -> str | None:
        """The end of what the attempt's newest pod printed so far; None if there is nothing, or no pod."""
        pod = newest(self._api.pods(f"job-name={name}"))
        return None if pod is None else self._log_of(pod)

    def close(self) -> None:
        for name, uid in dict(self._undeleted).items():
            self._delete(name, uid)
        for name in self._undeleted:
            place = f"-n {self._api.namespace}"
            mend = f"kubectl delete job {name} {place}"
            log.error("the Job %s is left behind: delete it with %s", name, mend, extra=self._about(name))
        self._watch.close()
        self._pool.shutdown()

    def _about(self, name: str = "") -> dict[str, str | int]:
        """What a log line is about; `name` is an attempt's."""
        parts = _ATTEMPT_NAME.search(name)
        return {"study": self._study.name, **({"trial": int(parts[1]), "attempt": int(parts[2])} if parts else {})}

    def _find(self, name: str) -> dict[str, Any] | None:
        """A Job that the watch has not seen; None as well for one of another study."""
        try:
            found = self._api.find(name)
        except ApiError as error:
            log.warning("whether there is a Job %s is unknown: %s", name, error, extra=self._about(name))
            return None
        labels = (found or {}).get("metadata", {}).get("labels") or {}
        wanted = dict(part.split("=") for part in self._study.selector.split(","))
        return found if wanted.items() <= labels.items() else None

    def _observe(self, name: str, job: Mapping[str, Any] | None) -> Observation:
        if name in self._taken:
            return self._taken[name]
        if job is None:
            return self._absent(name)
        if is_over(job):
            return self._ended_job(name, job)
        if job["metadata"].get("deletionTimestamp"):
            return _deleted(job)
        return self._waiting.observe(job, self._clock())

    def _absent(self, name: str) -> Observation:
        refusal = self._refused.get(name)
        if refusal is None:
            return Observation(phase=Phase.ABSENT, reason=DELETED, message="its Job is gone: somebody deleted it")
        now = self._clock()
        if now - refusal.since > self._settings.patience.quota:
            return _ended(now, "NotCreated", refusal.message)
        return Observation(phase=Phase.PENDING if now < refusal.until else Phase.ABSENT, message=refusal.message)

    def _refuse(self, name: str, error: ApiError) -> None:
        now = self._clock()
        since = self._refused[name].since if name in self._refused else now
        if since == now:
            log.warning("the Job %s cannot be created now: %s", name, error, extra=self._about(name))
        self._refused[name] = _Refusal(now + REFUSAL_PAUSE, since, str(error))

    def _ended_job(self, name: str, job: Mapping[str, Any]) -> Observation:
        uid = job["metadata"]["uid"]
        if uid not in self._ended:
            if self._clock() < self._leave_api_until:
                return Observation(phase=Phase.RUNNING, uid=uid)
            try:
                self._ended[uid] = self._read_end(name, job)
            except ApiUnavailableError:
                self._leave_api_until = self._clock() + REFUSAL_PAUSE
                return Observation(phase=Phase.RUNNING, uid=uid)  # as before, until its pods can be read
        return self._ended[uid]

    def _read_end(self, name: str, job: Mapping[str, Any]) -> Observation:
        pods = self._api.pods(f"job-name={name}")
        seen = ended(job, pods)
        pod = newest(pods)
        if seen.failure is None or pod is None or not trainer_status(pod).get("containerID"):
            return seen
        return ended(job, pods, log_tail=self._log_of(pod))

    def _log_of(self, pod: Mapping[str, Any]) -> str | None:
        try:
            return self._api.log_tail(pod["metadata"]["name"])
        except ApiError as error:
            log.info("no log of the pod %s: %s", pod["metadata"]["name"], error)
            return None

    def _clear_away(self, jobs: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> None:
        def delete(name: str) -> None:
            if self._clock() >= self._leave_api_until:
                self._delete(name, jobs[name]["metadata"]["uid"])

        self._side_by_side(delete, [name for name in jobs if name not in names])

    def _read_ends(self, jobs: Mapping[str, Mapping[str, Any]]) -> None:
        over = [name for name, job in jobs.items() if is_over(job) and job["metadata"]["uid"] not in self._ended]
        self._side_by_side(lambda name: self._ended_job(name, jobs[name]), over)

    def _side_by_side(self, work: Callable[[str], object], names: Sequence[str]) -> None:
        """Returns when all are done; the first error of any is raised then."""
        for done in wait([self._pool.submit(work, name) for name in names]).done:
            done.result()

    def _delete(self, name: str, uid: str) -> None:
        try:
            self._api.delete(name, uid)
        except ApiUnavailableError as error:
            self._leave_api_until = self._clock() + REFUSAL_PAUSE
            self._undeleted[name] = uid
            log.warning("the Job %s could not be deleted now: %s", name, error, extra=self._about(name))
        else:
            self._undeleted.pop(name, None)
            self._watch.remove(name, uid)

    def _forget(self, jobs: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> None:
        self._refused = {name: refusal for name, refusal in self._refused.items() if name in names}
        self._taken = {name: seen for name, seen in self._taken.items() if name in names}
        there = {job["metadata"]["uid"] for job in jobs.values()}
        self._ended = {uid: seen for uid, seen in self._ended.items() if uid in there}


def _deleted(job: Mapping[str, Any]) -> Observation:
    return _ended(datetime.now(UTC), DELETED, "its Job was deleted", uid=job["metadata"]["uid"])


def _ended(at: datetime, reason: str, message: str, *, uid: str | None = None) -> Observation:
    """For a reason that says nothing about the trial."""
    return Observation(
        phase=Phase.ENDED, failure=Failure.INFRASTRUCTURE, reason=reason, message=message, uid=uid, ended_at=at
    )
