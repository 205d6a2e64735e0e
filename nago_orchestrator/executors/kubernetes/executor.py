"""Runs every attempt of a study as a Job. Level-triggered: each look compares what is wanted with what the cluster has.

The watch tells how Jobs are; pods are read only for causes: once when a Job has ended, and now and then while some
have not begun. An API server that does not answer delays everything and fails nothing: attempts stay as they were
last seen, and what could not be created or deleted is tried again. Nor does it keep the loop: requests are errands,
waited for a moment, and what comes of them later is seen by a later look.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.background_requests import Errand, Errands
from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiError,
    ApiForbiddenError,
    ApiUnavailableError,
    ForeignJobError,
)
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.api.watch import JobWatch
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.objects import newest, trainer_status
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings
from nago_orchestrator.executors.kubernetes.status.causes import ended, has_ended, is_over
from nago_orchestrator.executors.kubernetes.status.deadlines import WaitingRoom
from nago_orchestrator.executors.kubernetes.status.refusals import Refusals
from nago_trainer.contract.task import TrialTask

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a look waits for the first list of Jobs."""
ERRAND_SECONDS = 0.05
"""How long the loop waits for requests that it has begun: there is other work meanwhile."""
CLOSE_SECONDS = 20.0
"""How long what cannot be deleted is tried again before this process lets go of it."""
CLOSE_PAUSE_SECONDS = 0.5
LEAVE_ALONE = timedelta(seconds=5)
"""An API server that did not answer is asked for nothing but what is new."""
AT_ONCE = 8
"""Requests that are under way at one time; each waits for an answer most of its life."""
DELETED = "JobDeleted"
_ATTEMPT_NAME = re.compile(r"-t(\d+)-a(\d+)$")


def _now() -> datetime:
    return datetime.now(UTC)


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
        self._refused = Refusals(settings.patience.quota)
        self._taken: dict[str, Observation] = {}
        """Names that other people's Jobs have: the attempts are over, and the next ones are called otherwise."""
        self._ended: dict[str, Observation] = {}
        """By uid: causes are read once, before the pods go."""
        self._undeleted: set[str] = set()
        """Names of Jobs that should be gone."""
        self._stopped: set[str] = set()
        """Names that were stopped while their creation was under way."""
        self._leave_api_until = datetime.min.replace(tzinfo=UTC)
        self._changes = -1
        """Of the watch, when its Jobs were last looked at."""
        self._errands = Errands(at_once=AT_ONCE, patience=ERRAND_SECONDS, name=f"jobs of {study.name}")

    @property
    def name(self) -> str:
        return "kubernetes"

    @property
    def reads_stored_tasks(self) -> bool:
        return True

    def start(self, name: str, task: TrialTask) -> None:
        """Raises ApiError if the API server refuses the Job for good. Waits for its answer, unlike `start_all`."""
        try:
            self._create(name, task)
        except ApiUnavailableError as error:
            self._leave_api_until = self._clock() + LEAVE_ALONE
            self._refuse(name, error)
        except ApiForbiddenError as error:
            if not error.is_quota:
                raise
            self._refuse(name, error)
        except ForeignJobError as error:
            self._taken[name] = _ended(self._clock(), "NameTaken", str(error))

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        self._errands.run({("start", name): partial(self.start, name, task) for name, task in tasks.items()})

    def has_news(self) -> bool:
        return self._watch.changes != self._changes or self._errands.has_news()

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        """`names` are all attempts that are not over; whatever other Jobs the study has are deleted.

        Raises ApiError where Jobs may not even be listed.
        """
        if not self._watch.wait_synced(PATIENCE_SECONDS):
            if self._watch.refusal is not None:
                raise self._watch.refusal
            message = f"Kubernetes does not list the Jobs: {self._watch.trouble or 'it has not answered yet'}"
            return {name: Observation(phase=Phase.PENDING, message=message) for name in names}
        # Both before the Jobs are read: what comes in between is news, and a Job that comes is not missed.
        self._changes = self._watch.changes
        starting = {name for name in names if self._errands.is_under_way(("start", name))}
        jobs = self._watch.jobs()
        self._forget(jobs, names)
        ends = {name: jobs[name] for name in names if name in jobs and name not in self._taken}
        self._errands.run({**self._deletions(jobs, names), **self._look(jobs), **self._end_readings(ends)})
        return {name: self._observe(name, jobs.get(name), starting) for name in names}

    def stop(self, name: str, *, grace_seconds: float) -> None:
        """The pod's template says how long it may take. A deletion that fails is tried again, by `close` at last."""
        self._refused.forget(name)
        if self._errands.is_under_way(("start", name)):
            self._stopped.add(name)
        self._undeleted.add(name)
        try:
            self._errands.run({("stop", name): partial(self._stop, name)})
        except ApiError as error:  # of an earlier request, which shall not keep anybody from stopping the next
            log.warning("%s", error, extra=self._about())

    def close(self) -> None:
        """A Job that cannot be deleted is named in the log: nobody comes for it where its study is over."""
        if self._undeleted or self._stopped:
            self._delete_at_last(time.monotonic() + CLOSE_SECONDS)
        for name in set(self._undeleted):
            mend = f"kubectl delete job {name} -n {self._api.namespace}"
            log.error("the Job %s is left behind: delete it with %s", name, mend, extra=self._about(name))
        self._undeleted.clear()
        self._watch.close()
        self._errands.close()

    def _create(self, name: str, task: TrialTask) -> None:
        if name in self._stopped:
            return
        if self._clock() < self._leave_api_until:
            raise ApiUnavailableError("Kubernetes did not answer a moment ago")
        job = self._api.create(build_job(name, task, self._study, self._settings))
        self._refused.forget(name)
        self._watch.add(job)
        if name in self._stopped:  # after it was added: whoever stops it either finds it or is seen here
            self._delete(name, job["metadata"]["uid"])

    def _delete_at_last(self, deadline: float) -> None:
        self._errands.finish(CLOSE_SECONDS)
        while self._undeleted and (left := deadline - time.monotonic()) > 0:
            try:
                self._errands.run({("stop", name): partial(self._stop, name) for name in set(self._undeleted)})
            except ApiError as error:
                log.warning("%s", error, extra=self._about())
                return
            self._errands.finish(left)
            time.sleep(CLOSE_PAUSE_SECONDS if self._undeleted else 0)

    def _about(self, name: str = "") -> dict[str, str | int]:
        """What a log line is about; `name` is an attempt's."""
        parts = _ATTEMPT_NAME.search(name)
        return {"study": self._study.name, **({"trial": int(parts[1]), "attempt": int(parts[2])} if parts else {})}

    def _stop(self, name: str) -> None:
        try:
            found = self._watch.jobs().get(name) or self._find(name)
        except ApiError as error:
            log.warning("whether there is a Job %s is unknown: %s", name, error, extra=self._about(name))
            return
        if found is None:
            self._undeleted.discard(name)
        else:
            self._delete(name, found["metadata"]["uid"])

    def _find(self, name: str) -> dict[str, Any] | None:
        """A Job that the watch has not seen; None as well for one of another study. Raises ApiError."""
        found = self._api.find(name)
        labels = (found or {}).get("metadata", {}).get("labels") or {}
        wanted = dict(part.split("=") for part in self._study.selector.split(","))
        return found if wanted.items() <= labels.items() else None

    def _observe(self, name: str, job: Mapping[str, Any] | None, starting: Collection[str]) -> Observation:
        if name in self._taken:
            return self._taken[name]
        if job is None and name in starting:
            return Observation(phase=Phase.PENDING, message="Kubernetes has not answered whether it makes the Job")
        if job is None:
            gone = Observation(phase=Phase.ABSENT, reason=DELETED, message="its Job is gone: somebody deleted it")
            return self._refused.observe(name, self._clock()) or gone
        if is_over(job):
            uid = job["metadata"]["uid"]
            # Until its pods are read, nothing is known: one that was never seen to run shall not begin now.
            return self._ended.get(uid) or Observation(phase=Phase.PENDING, uid=uid, message="its end is being read")
        if job["metadata"].get("deletionTimestamp"):
            return _deleted(job)
        return self._waiting.observe(job, self._clock())

    def _refuse(self, name: str, error: ApiError) -> None:
        if self._refused.note(name, str(error), self._clock()):
            log.warning("the Job %s cannot be created now: %s", name, error, extra=self._about(name))

    def _read_end(self, name: str, job: Mapping[str, Any]) -> Observation:
        pods = self._api.recent_pods(f"job-name={name}")
        if not has_ended(newest(pods)):
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

    def _deletions(self, jobs: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> dict[Hashable, Errand]:
        """Of the study's Jobs that no live attempt stands for."""
        uids = {name: job["metadata"]["uid"] for name, job in jobs.items() if name not in names}
        return {("delete", uid): self._in_good_times(partial(self._delete, name, uid)) for name, uid in uids.items()}

    def _look(self, jobs: Mapping[str, Mapping[str, Any]]) -> dict[Hashable, Errand]:
        if self._errands.is_under_way("look") or not self._waiting.is_due(jobs, self._clock()):
            return {}
        return {"look": partial(self._waiting.look, jobs)}

    def _end_readings(self, jobs: Mapping[str, Mapping[str, Any]]) -> dict[Hashable, Errand]:
        return {
            ("end", uid): self._in_good_times(partial(self._keep_end, name, job))
            for name, job in jobs.items()
            if is_over(job) and (uid := job["metadata"]["uid"]) not in self._ended
        }

    def _in_good_times(self, errand: Errand) -> Errand:
        """Not while the API server is left alone; the next look has it run again."""
        return lambda: errand() if self._clock() >= self._leave_api_until else None

    def _keep_end(self, name: str, job: Mapping[str, Any]) -> None:
        try:
            self._ended[job["metadata"]["uid"]] = self._read_end(name, job)
        except ApiUnavailableError:
            self._leave_api_until = self._clock() + LEAVE_ALONE

    def _delete(self, name: str, uid: str) -> None:
        try:
            self._api.delete(name, uid)
        except ApiUnavailableError as error:
            self._leave_api_until = self._clock() + LEAVE_ALONE
            self._undeleted.add(name)
            log.warning("the Job %s could not be deleted now: %s", name, error, extra=self._about(name))
        else:
            self._undeleted.discard(name)
            self._watch.remove(name, uid)

    def _forget(self, jobs: Mapping[str, Mapping[str, Any]], names: Collection[str]) -> None:
        """In place: an errand that is late may add something at any moment."""
        there = {job["metadata"]["uid"] for job in jobs.values()}
        self._refused.keep_only(names)
        for held, wanted in ((self._taken, names), (self._ended, there)):
            for key in list(held):
                if key not in wanted:
                    held.pop(key, None)
        self._stopped = {name for name in self._stopped if self._errands.is_under_way(("start", name))}


def _deleted(job: Mapping[str, Any]) -> Observation:
    return _ended(datetime.now(UTC), DELETED, "its Job was deleted", uid=job["metadata"]["uid"])


def _ended(at: datetime, reason: str, message: str, *, uid: str | None = None) -> Observation:
    """For a reason that says nothing about the trial."""
    return Observation(
        phase=Phase.ENDED, failure=Failure.INFRASTRUCTURE, reason=reason, message=message, uid=uid, ended_at=at
    )
