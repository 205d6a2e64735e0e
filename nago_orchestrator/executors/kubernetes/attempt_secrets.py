"""The attempts' credentials, and the Secrets by which their pods get them.

They follow from a key that is in a Secret of the namespace, made by whoever needs it first. So a restarted orchestrator
arrives at the same ones, and needs to read none of them back. The Secret of an attempt is created before its Job,
because NAGO fails an attempt whose Secret is missing (CreateContainerConfigError). The Job is then made its owner, so
that Kubernetes deletes the Secret with the Job.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from nago_orchestrator.domain.credentials import Credentials, derive, token_digest
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiNotFoundError, ApiUnavailableError
from nago_orchestrator.executors.kubernetes.api.secrets import SecretApi
from nago_orchestrator.executors.kubernetes.manifest.labels import SECRET, TOKEN_DIGEST, StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.secret import (
    address_for,
    build_secret,
    encoded,
    job_owner,
)
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings, SecretKey

KEY = SecretKey(name="nago-attempt-key", key="key")
KEY_BYTES = 32
RESERVE = timedelta(days=365)
"""Beyond all that an attempt may wait and work: no time-out runs while a queue holds its Job back."""


class AttemptSecrets:
    """Of one study. Safe to use from several threads."""

    def __init__(
        self,
        api: SecretApi,
        settings: KubernetesSettings,
        study: StudyLabel,
        role_prefix: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._database = settings.database_secret
        limits = settings.wait_limits
        waits = (limits.unschedulable, limits.quota, limits.image, limits.container)
        self._lifetime = sum(waits, settings.deadline) + RESERVE
        self._study = study
        self._role_prefix = role_prefix
        self._clock = clock
        self._key: bytes | None = None
        self._address: str | None = None
        """Read with the first Secret: where it is missing, the attempts wait, each by itself, and say why."""
        self._lock = threading.Lock()
        self._trouble: ApiError | None = None
        self._owned: set[str] = set()
        """Uids of Jobs that own their Secret."""

    @property
    def is_loaded(self) -> bool:
        return self._key is not None

    def load(self) -> None:
        """Reads the key; an error is kept and raised by `credentials`."""
        with self._lock:
            if self._key is not None:
                return
            try:
                self._key = self._read_key()
            except ApiError as error:
                self._trouble = error

    def credentials(self, name: str) -> Credentials:
        """Of the attempt called `name`. Asks nobody. Raises ApiError where the key is not known yet."""
        if self._key is None:
            raise self._trouble or ApiUnavailableError("the key of the attempts' credentials has not been read yet")
        return derive(
            self._key,
            f"{self._study.key} {name}",
            role_prefix=self._role_prefix,
            valid_until=self._clock() + self._lifetime,
        )

    def put(self, name: str, token: str) -> Callable[[], None]:
        """Creates the Secret, unless it exists. What is returned deletes it again if this call created it.

        Raises ApiError.
        """
        self.load()
        wanted = self._build(name, token)
        uid = self._api.create(wanted)

        def undo() -> None:
            if uid is not None:
                self._api.delete(wanted["metadata"]["name"], uid)

        return undo

    def is_owned(self, job: Mapping[str, Any]) -> bool:
        """Whether the Secret is known to belong to the Job. Also true of a Job of an older version, which has none."""
        return job["metadata"]["uid"] in self._owned or _secret_of(job) is None

    def own(self, job: Mapping[str, Any]) -> None:
        """The Job's Secret goes with it from now on. One that was deleted is created again. Raises ApiError.

        What is refused is not tried again.
        """
        secret = _secret_of(job)
        if secret is None:
            return
        owner, name = job_owner(job), job["metadata"]["name"]
        try:
            self._give(secret, name, owner, job)
        except ApiUnavailableError:
            raise
        except ApiError:
            self._owned.add(owner["uid"])
            raise
        self._owned.add(owner["uid"])

    def _give(self, secret: str, name: str, owner: dict[str, Any], job: Mapping[str, Any]) -> None:
        if not self._api.give_to(secret, owner):
            given = self.credentials(name)
            if token_digest(given.token) == (job["metadata"].get("annotations") or {}).get(TOKEN_DIGEST):
                self.put(name, given.token)
                self._api.give_to(secret, owner)

    def _build(self, name: str, token: str) -> dict[str, Any]:
        login = self.credentials(name).login
        if login is None:
            raise ApiError("an attempt of this executor has a login")
        with self._lock:  # Secrets are made at once by several threads, and one of them asks
            shared = self._address = self._address or self._read_address()
        try:
            address = address_for(shared, login.role, login.password)
        except ValueError as error:
            self._address = None  # it may have been corrected by the next try
            raise ApiError(str(error), do=f"correct the Secret {self._database.name}") from error
        return build_secret(name, Credentials(token=token), address, self._study)

    def _read_key(self) -> bytes:
        found = self._api.read(KEY.name, KEY.key)
        if found is None:
            fresh = {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "Opaque",
                "immutable": True,
                "metadata": {"name": KEY.name, "labels": {"app.kubernetes.io/part-of": "nago"}},
                "data": encoded({KEY.key: secrets.token_hex(KEY_BYTES)}),
            }
            self._api.create(fresh)
            found = self._api.read(KEY.name, KEY.key)  # of whoever was first
        if found is None:
            what = f"the Secret {KEY.name} disappeared right after it was created"
            raise ApiNotFoundError(what, do="find out what deletes it")
        return found

    def _read_address(self) -> str:
        found = self._api.read(self._database.name, self._database.key)
        if found is None:
            what = f"there is no Secret {self._database.name} with the address of the database for the trainers"
            raise ApiNotFoundError(what, do="create it: k8s/base/secrets.example.yaml", status=404)
        return found.decode(errors="replace")


def _secret_of(job: Mapping[str, Any]) -> str | None:
    found: str | None = (job["metadata"].get("annotations") or {}).get(SECRET)
    return found
