"""Asks the API server. What it refuses is an answer, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nago_orchestrator.executors.kubernetes.api.client import KubernetesClient
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiForbiddenError, ApiNotFoundError
from nago_orchestrator.executors.kubernetes.api.jobs import core_path, jobs_path

Object = Mapping[str, Any]
TRY = {"dryRun": "All", "fieldValidation": "Strict"}
_MISSING_RIGHT = re.compile(r'cannot (get|list|create) resource "([a-z]+)"')


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer, or one that does not help."""

    why: str
    lacks_right: bool = False
    """The user may not ask this."""


Answer = Object | None | Refused
"""One object; None: there is none of that name."""
Listing = tuple[Object, ...] | Refused


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the API server would do with an object."""

    refused: Refused | None = None
    warnings: tuple[str, ...] = ()


class Cluster:
    """The cluster as seen from one namespace."""

    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.core = core_path(namespace)
        self.jobs = jobs_path(namespace)

    def read(self, collection: str, name: str) -> Answer:
        return _answered(lambda: self.client.get(f"{collection}/{quote(name)}"))

    def ask(self, path: str) -> Answer:
        return _answered(lambda: self.client.get(path))

    def list(self, collection: str) -> Listing:
        try:
            return tuple(item for page in self.client.pages(collection, {}) for item in page.get("items") or ())
        except ApiError as error:
            return _refused(error)

    def try_creating(self, collection: str, item: Object) -> DryRun:
        """Unknown and duplicate fields are refused; API servers before 1.25 do not look for them."""
        try:
            return DryRun(warnings=self.client.warnings_of(collection, item, TRY))
        except ApiError as error:
            return DryRun(refused=_refused(error))


def _answered(ask: Callable[[], Object]) -> Answer:
    try:
        return ask()
    except ApiNotFoundError:
        return None
    except ApiError as error:
        return _refused(error)


def _refused(error: ApiError) -> Refused:
    """Kubernetes' own text is long: it names the user, the right and every group in which it was not found."""
    found = _MISSING_RIGHT.search(str(error)) if isinstance(error, ApiForbiddenError) else None
    if found is None:
        return Refused(str(error))
    verb = "create" if found[1] == "create" else "read"
    return Refused(f"this user may not {verb} {found[2]}", lacks_right=True)
