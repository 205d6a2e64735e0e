"""The API calls that the attempts' Secrets need. Called by the executor."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nago_orchestrator.executors.kubernetes.api.client import KubernetesClient
from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiConflictError,
    ApiError,
    ApiNotFoundError,
    ApiUnavailableError,
)
from nago_orchestrator.executors.kubernetes.api.jobs import core_path

Object = dict[str, Any]


class SecretApi:
    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._path = f"{core_path(namespace)}/secrets"

    def read(self, name: str, key: str) -> bytes | None:
        """One value; None where there is no such Secret. Raises ApiError where it has no such key."""
        try:
            found = self._client.get(f"{self._path}/{quote(name)}")
        except ApiNotFoundError:
            return None
        try:
            return base64.b64decode((found.get("data") or {})[key], validate=True)
        except (KeyError, binascii.Error) as error:
            where = f"the Secret {name} of the namespace {self._namespace}"
            raise ApiError(f"{where} has no key {key}", do="add it, or name another in the study file") from error

    def create(self, wanted: Mapping[str, Any]) -> str | None:
        """Its uid; None where there is one of that name."""
        try:
            return str(self._client.post(self._path, wanted)["metadata"]["uid"])
        except ApiConflictError as error:
            if error.reason == "AlreadyExists":
                return None
            # A quota that many requests change at once answers with a conflict, too.
            raise ApiUnavailableError(str(error), status=error.status, reason=error.reason) from error

    def give_to(self, name: str, owner: Mapping[str, Any]) -> bool:
        """It is deleted when its owner is gone, also where that is gone already. False where there is none."""
        try:
            self._client.patch(f"{self._path}/{quote(name)}", {"metadata": {"ownerReferences": [owner]}})
        except ApiNotFoundError:
            return False
        return True

    def delete(self, name: str, uid: str) -> None:
        try:
            self._client.delete(f"{self._path}/{quote(name)}", uid=uid)
        except (ApiNotFoundError, ApiConflictError):
            return
