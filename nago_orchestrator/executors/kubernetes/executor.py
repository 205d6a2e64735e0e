"""Runs every attempt of a study as a Job. Level-triggered: each observation compares what should be with what there is.

The watch reports the Jobs; pods are read only for causes: once when a Job has ended, and now and then while some have
not begun. An API server that does not answer delays everything and fails nothing: attempts stay as they were last seen,
and what could not be created or deleted is tried again. Nor does it block the loop: requests run in the background, and
what comes of them late is picked up by a later observation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.credentials import Credentials
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.background_requests import BackgroundRequests, Send
from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiError,
    ApiUnavailableError,
    ForeignJobError,
)
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.api.outage import Outage
from nago_orchestrator.executors.kubernetes.api.secrets import SecretApi
from nago_orchestrator.executors.kubernetes.api.watch import JobWatch
from nago_orchestrator.executors.kubernetes.attempt_secrets import AttemptSecrets
from nago_orchestrator.executors.kubernetes.deletions import JobDeletions
from nago_orchestrator.executors.kubernetes.manifest.data_job import build_data_job
from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.quantities import quantity
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings
from nago_orchestrator.executors.kubernetes.status.deadlines import UnfinishedJobs
from nago_orchestrator.executors.kubernetes.status.ends import JobEnds
from nago_orchestrator.executors.kubernetes.status.refusals import Refusals
from nago_orchestrator.executors.kubernetes.status.sightings import PodSightings
from nago_orchestrator.executors.kubernetes.timing import ExecutorTiming
from nago_trainer.contract.task import DatasetSettings, TrialTask

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Requests that are under way at one time; each waits for an answer most of its life."""
DELETED = "JobDeleted"
Job = Mapping[str, Any]


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
        role_prefix: str,
        timing: ExecutorTiming | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._api = api
        self._settings = settings
        self._study = study
        self._timing = timing or ExecutorTiming()
        self._clock = clock
        self._sightings = PodSightings(api)
        self._watch = JobWatch(api.client, api.path, study.selector, self._timing.watch, on_job=self._sightings.look)
        self._changes = -1
        """Of the watch, when its Jobs were last looked at."""
        self._outage = Outage(self._timing.unavailable, clock)
        self._requests = BackgroundRequests(
            at_once=AT_ONCE, wait_seconds=self._timing.request_seconds, name=f"jobs of {study.name}"
        )
        self._secrets = AttemptSecrets(SecretApi(api.client, api.namespace), settings, study, role_prefix, clock)
        self._unfinished = UnfinishedJobs(api, settings.wait_limits, study.selector, self._sightings)
        self._ends = JobEnds(api, self._sightings)
        self._deletions = JobDeletions(api, self._watch, self._requests, self._outage, study)
        self._refused = Refusals(settings.wait_limits, self._timing.refused)
        self._taken: dict[str, Observation] = {}
        """Names that other people's Jobs have: the attempts are over, and the next ones are called otherwise."""
        self._stopped: set[str] = set()
        """Names that were stopped while their creation was under way."""

    @property
    def name(self) -> str:
        return "kubernetes"

    @property
    def reads_stored_tasks(self) -> bool:
        return True

    def credentials(self, name: str) -> Credentials:
        return self._secrets.credentials(name)

    @property
    def memory_of_trials(self) -> float | None:
        return None if self._settings.memory is None else quantity(self._settings.memory)

    def start(self, name: str, task: TrialTask) -> None:
        """Waits for the API server's answer, unlike `start_all`. A refusal is the attempt's own: `observe` says so."""
        self._start(name, lambda: self._create_with_secret(name, task))

    def start_data_check(self, name: str, dataset: DatasetSettings, *, anew: bool = False) -> None:
        wanted = build_data_job(name, dataset, self._study, self._settings, anew=anew)
        self._requests.run({("start", name): partial(self._start, name, lambda: self._api.create(wanted))})

    def _start(self, name: str, create: Callable[[], dict[str, Any]]) -> None:
        try:
            self._create(name, create)
        except ForeignJobError as error:
            self._taken[name] = _ended(self._clock(), "NameTaken", str(error))
        except ApiError as error:
            if isinstance(error, ApiUnavailableError):
                self._outage.note()
            self._refuse(name, error)

    def start_all(self, tasks: Mapping[str, TrialTask]) -> None:
        self._requests.run({("start", name): partial(self.start, name, task) for name, task in tasks.items()})

    def has_news(self) -> bool:
        return self._watch.changes != self._changes or self._requests.has_news()

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        """Deletes whatever other Jobs the study has. Raises ApiError where Jobs may not even be listed."""
        if not self._watch.wait_synced(self._timing.first_list_seconds):
            if self._watch.refusal is not None:
                raise self._watch.refusal
            message = f"cannot list the Jobs: {self._watch.trouble or 'no answer yet'}"
            return {name: Observation(phase=Phase.PENDING, message=message) for name in names}
        # Both before the Jobs are read: what comes in between is news, and a Job that comes is not missed.
        self._changes = self._watch.changes
        starting = {name for name in names if self._requests.is_under_way(("start", name))}
        jobs = self._watch.jobs()
        self._forget(jobs, names)
        due = (self._secrets_due(jobs, set(names) - starting), self._deletions_due(jobs, names), self._poll_due(jobs))
        self._requests.run({key: send for part in (*due, self._ends_due(jobs, names)) for key, send in part.items()})
        return {name: self._observe(name, jobs.get(name), starting) for name in names}

    def stop(self, name: str, *, grace_seconds: float) -> None:
        """The pod's template says how long it may take. A deletion that fails is tried again, by `close` at last."""
        self._refused.forget(name)
        if self._requests.is_under_way(("start", name)):
            self._stopped.add(name)
        self._deletions.stop(name)

    def close(self) -> None:
        if self._stopped or self._deletions.are_due:
            self._deletions.finish(self._timing)
        self._watch.close()
        self._requests.close()
        self._sightings.close()

    def _create(self, name: str, create: Callable[[], dict[str, Any]]) -> None:
        if name in self._stopped:
            return
        if self._outage.is_on:
            raise ApiUnavailableError("the API server did not answer a moment ago")
        job = create()
        self._refused.forget(name)
        self._watch.add(job)
        if name in self._stopped:  # after it was added: whoever stops it either finds it or is seen here
            self._deletions.delete(name, job["metadata"]["uid"])

    def _create_with_secret(self, name: str, task: TrialTask) -> dict[str, Any]:
        wanted = build_job(name, task, self._study, self._settings)
        undo = self._secrets.put(name, task.token)
        try:
            job = self._api.create(wanted)
        except ApiUnavailableError:
            raise  # it may be there all the same, and is asked for again
        except ApiError:
            undo()
            raise
        with suppress(ApiUnavailableError):  # an observation tries again
            self._own(job)
        return job

    def _own(self, job: Job) -> None:
        try:
            self._secrets.own(job)
        except ApiUnavailableError:
            raise
        except ApiError as error:  # the attempt works all the same
            name = job["metadata"]["name"]
            what = "cannot make the Job %s the owner of its Secret, which will not be deleted with it: %s"
            log.warning(what, name, error, extra=self._study.log_fields(name))

    def _refuse(self, name: str, error: ApiError) -> None:
        if self._refused.note(name, error, self._clock()):
            log.warning("cannot create the Job %s now: %s", name, error, extra=self._study.log_fields(name))

    def _observe(self, name: str, job: Job | None, starting: Collection[str]) -> Observation:
        if name in self._taken:
            return self._taken[name]
        if job is None and name in starting:
            return Observation(phase=Phase.PENDING, message="the API server has not confirmed the Job yet")
        if job is None:
            gone = Observation(phase=Phase.ABSENT, reason=DELETED, message="its Job was deleted")
            return self._refused.observe(name, self._clock()) or gone
        if (end := self._ends.observe(job)) is not None:
            return end
        if job["metadata"].get("deletionTimestamp"):
            return _ended(self._clock(), DELETED, "its Job was deleted", uid=job["metadata"]["uid"])
        return self._unfinished.observe(job, self._clock())

    def _secrets_due(self, jobs: Mapping[str, Job], names: Collection[str]) -> dict[Hashable, Send]:
        """The key, and the Secrets of Jobs that an earlier orchestrator may have left without an owner."""
        if not self._secrets.is_loaded:
            return {"secrets": self._secrets.load}
        left = [job for name, job in jobs.items() if name in names and not self._secrets.is_owned(job)]
        return {("own", job["metadata"]["uid"]): self._unless_outage(partial(self._own, job)) for job in left}

    def _deletions_due(self, jobs: Mapping[str, Job], names: Collection[str]) -> dict[Hashable, Send]:
        """Of the study's Jobs that belong to no live attempt."""
        uids = {name: job["metadata"]["uid"] for name, job in jobs.items() if name not in names}
        delete = self._deletions.delete
        return {("delete", uid): self._unless_outage(partial(delete, name, uid)) for name, uid in uids.items()}

    def _poll_due(self, jobs: Mapping[str, Job]) -> dict[Hashable, Send]:
        if self._requests.is_under_way("poll") or not self._unfinished.is_due(jobs, self._clock()):
            return {}
        return {"poll": partial(self._unfinished.poll, jobs, self._clock())}

    def _ends_due(self, jobs: Mapping[str, Job], names: Collection[str]) -> dict[Hashable, Send]:
        due = {name: job for name, job in jobs.items() if name in names and name not in self._taken}
        return {
            ("end", job["metadata"]["uid"]): self._unless_outage(partial(self._ends.read, name, job))
            for name, job in due.items()
            if self._ends.is_due(job)
        }

    def _unless_outage(self, send: Send) -> Send:
        """Left out while the API server does not answer; the next observation sends it again."""

        def attempt() -> None:
            if self._outage.is_on:
                return
            try:
                send()
            except ApiUnavailableError:
                self._outage.note()

        return attempt

    def _forget(self, jobs: Mapping[str, Job], names: Collection[str]) -> None:
        """In place: a request that is late may add something at any moment."""
        self._refused.keep_only(names)
        self._ends.keep_only({job["metadata"]["uid"] for job in jobs.values()})
        for name in list(self._taken):
            if name not in names:
                self._taken.pop(name, None)
        self._stopped = {name for name in self._stopped if self._requests.is_under_way(("start", name))}


def _ended(at: datetime, reason: str, message: str, *, uid: str | None = None) -> Observation:
    """For a reason that says nothing about the trial."""
    return Observation(
        phase=Phase.ENDED, failure=Failure.INFRASTRUCTURE, reason=reason, message=message, uid=uid, ended_at=at
    )
