"""Asks the API server for what the checks look at; what it refuses becomes a fact, too. The only edge of the checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from nago_orchestrator.executors.kubernetes.api.access import Access
from nago_orchestrator.executors.kubernetes.api.client import ClientOptions, KubernetesClient
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiForbiddenError, ApiNotFoundError
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import (
    Answer,
    ClusterFacts,
    Listing,
    Object,
    Refused,
)
from nago_orchestrator.executors.kubernetes.preflight.pod import PodNeeds, needs_of
from nago_orchestrator.executors.kubernetes.preflight.rights import ROLE, Right

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
OPTIONS = ClientOptions(tries=2, read_timeout=10.0)
"""Somebody waits for the answer."""
UNAUTHORIZED = 401
_READ_RIGHT = re.compile(r'cannot (?:get|list) resource "([a-z]+)"')


def read_cluster(
    access: Access, namespace: str | None, job: Object | None, options: ClientOptions = OPTIONS
) -> ClusterFacts:
    """`job` is the study's first, if there is a study. Raises ApiError where nobody answers or nobody lets us in."""
    reader = _Reader(KubernetesClient(access, options), namespace or access.namespace)
    version = reader.client.get("/version")
    rights = {right: reader.may(right) for right in ROLE}
    pod = None if job is None else needs_of(job)
    may_create = rights[Right("batch", "jobs", "create")] is True
    return ClusterFacts(
        source=access.source,
        host=access.host,
        version=str(version.get("gitVersion") or "of an unknown version"),
        namespace=reader.namespace,
        namespace_object=reader.named_object(f"/api/v1/namespaces/{quote(reader.namespace)}"),
        rights=rights,
        quotas=reader.listing(f"{reader.core}/resourcequotas"),
        limit_ranges=reader.listing(f"{reader.core}/limitranges"),
        nodes=() if pod is None else reader.listing("/api/v1/nodes"),
        job_refused=reader.refusal(job) if job is not None and may_create else None,
        **({} if pod is None else reader.named(pod)),
    )


class _Reader:
    def __init__(self, client: KubernetesClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.core = f"/api/v1/namespaces/{quote(namespace)}"

    def may(self, right: Right) -> bool | Refused:
        """Raises ApiError where the API server does not know us at all."""
        resource, _, subresource = right.resource.partition("/")
        asked: dict[str, str] = {"namespace": self.namespace, "verb": right.verb, "group": right.group}
        asked |= {"resource": resource, **({"subresource": subresource} if subresource else {})}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        try:
            answer = self.client.post(REVIEWS, review)
        except ApiError as error:
            if error.status in (0, UNAUTHORIZED):
                raise
            return Refused(str(error))
        return bool((answer.get("status") or {}).get("allowed"))

    def named(self, pod: PodNeeds) -> dict[str, Any]:
        """What the pod only names."""
        classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
        return {
            "claims": self._by_name("persistentvolumeclaims", pod.claims),
            "secrets": self._by_name("secrets", {**pod.secret_keys, **dict.fromkeys(pod.pull_secrets)}),
            "service_account": self._one(f"{self.core}/serviceaccounts", pod.service_account),
            "priority_class": self._one(classes, pod.priority_class),
        }

    def refusal(self, job: Object) -> Refused | None:
        """The API server's word against the Job, which it checks as if it were to be kept."""
        found = _answered(lambda: self.client.post(f"{_jobs(self.namespace)}?dryRun=All", job))
        return found if isinstance(found, Refused) else None

    def named_object(self, path: str) -> Answer:
        return _answered(lambda: self.client.get(path))

    def listing(self, path: str) -> Listing:
        found = _answered(lambda: self.client.get(path, {"limit": 500}))
        return found if isinstance(found, Refused) else tuple((found or {}).get("items") or ())

    def _by_name(self, resource: str, names: Mapping[str, object]) -> dict[str, Answer]:
        return {name: self.named_object(f"{self.core}/{resource}/{quote(name)}") for name in names}

    def _one(self, path: str, name: str | None) -> Answer:
        return None if name is None else self.named_object(f"{path}/{quote(name)}")


def _jobs(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{quote(namespace)}/jobs"


def _answered(ask: Callable[[], Object]) -> Answer:
    try:
        return ask()
    except ApiNotFoundError:
        return None
    except ApiForbiddenError as error:
        return Refused(_in_short(error))
    except ApiError as error:
        return Refused(str(error))


def _in_short(error: ApiForbiddenError) -> str:
    """Kubernetes' own words are long: they name the user, the right and every group that it was not found in."""
    found = _READ_RIGHT.search(str(error))
    return f"this user may not read {found[1]}" if found else str(error)
