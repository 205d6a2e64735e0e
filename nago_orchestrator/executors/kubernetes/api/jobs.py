"""The API calls that one study's Jobs need, in words: create, delete, what is said of a Job. Called by the executor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nago_orchestrator.executors.kubernetes.api.client import KubernetesClient
from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiConflictError,
    ApiNotFoundError,
    ApiUnavailableError,
    ForeignJobError,
)
from nago_orchestrator.executors.kubernetes.manifest.labels import is_same_attempt
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.port import LOG_TAIL_BYTES, LOG_TAIL_LINES

Object = dict[str, Any]


def core_path(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace)}"


def jobs_path(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{quote(namespace)}/jobs"


class JobApi:
    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self._pods = f"{core_path(namespace)}/pods"
        self._events = f"{core_path(namespace)}/events"
        self.path = jobs_path(namespace)

    def create(self, wanted: Mapping[str, Any]) -> Object:
        """The Job, new or made by an earlier try. Raises ForeignJobError if the name belongs to another."""
        name = wanted["metadata"]["name"]
        try:
            return self.client.post(self.path, wanted)
        except ApiConflictError as error:
            found = self.find(name)
            if found is None:  # a quota that many requests change at once answers with a conflict, too
                raise ApiUnavailableError(str(error), status=error.status, reason=error.reason) from error
        if not is_same_attempt(found, wanted):
            raise ForeignJobError(
                f"the namespace {self.namespace} already has a Job {name}, of another attempt",
                do=f"delete it (kubectl delete job {name} -n {self.namespace}), or give the study another name",
            )
        return found

    def find(self, name: str) -> Object | None:
        try:
            return self.client.get(f"{self.path}/{quote(name)}")
        except ApiNotFoundError:
            return None

    def delete(self, name: str, uid: str) -> None:
        """With its pods. Nothing happens if it is gone, or if another Job has its name now."""
        try:
            self.client.delete(f"{self.path}/{quote(name)}", uid=uid)
        except (ApiNotFoundError, ApiConflictError):
            return

    def pods(self, selector: str) -> list[Object]:
        return self._list(self._pods, {"labelSelector": selector})

    def recent_pods(self, selector: str) -> list[Object]:
        """As the API server remembers them, which may be a little late and spares it reading every pod there is."""
        return self._list(self._pods, {"labelSelector": selector, "resourceVersion": "0"})

    def pods_now(self, selector: str) -> list[Object]:
        """One try only: a moment later they may be gone."""
        return self.client.get(self._pods, {"labelSelector": selector}, tries=1).get("items") or []

    def failed_creates(self) -> list[Object]:
        """Events of Jobs of this namespace whose pods could not be created; Kubernetes keeps them for about an hour."""
        return self._list(self._events, {"fieldSelector": "involvedObject.kind=Job,reason=FailedCreate"})

    def pod_warnings(self) -> list[Object]:
        """Events of this namespace's pods that say what goes wrong with them, e.g. with their volumes."""
        return self._list(self._events, {"fieldSelector": "involvedObject.kind=Pod,type=Warning"})

    def log_tail(self, pod: str) -> str | None:
        """One try only: for a node that is unreachable, the request hangs until its timeout."""
        query: dict[str, str | int] = {
            "container": CONTAINER,
            "tailLines": LOG_TAIL_LINES,
            "limitBytes": LOG_TAIL_BYTES,
        }
        return self.client.text(self.log_path(pod), query, tries=1).strip() or None

    def log_path(self, pod: str) -> str:
        return f"{self._pods}/{quote(pod)}/log"

    def _list(self, path: str, query: dict[str, str | int]) -> list[Object]:
        return [item for page in self.client.pages(path, query) for item in page.get("items") or []]
