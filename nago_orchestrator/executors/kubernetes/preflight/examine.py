"""All checks of a cluster together, for `doctor` and `submit --dry-run --server`. The only edge of the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nago_orchestrator.domain.findings import Finding, problem
from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.kubernetes.api.access import Access, find_access
from nago_orchestrator.executors.kubernetes.api.client import UNAUTHORIZED, ClientOptions, KubernetesClient
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.preflight.answers import Cluster, Object, Refused
from nago_orchestrator.executors.kubernetes.preflight.cluster import namespace_finding, server_finding
from nago_orchestrator.executors.kubernetes.preflight.dry_run import (
    dry_run_findings,
    is_refused_for_good,
    job_to_try,
    pod_of,
)
from nago_orchestrator.executors.kubernetes.preflight.named_objects import (
    KINDS,
    image_finding,
    image_path_finding,
    names_of,
    object_finding,
)
from nago_orchestrator.executors.kubernetes.preflight.nodes import fitting_nodes, node_finding
from nago_orchestrator.executors.kubernetes.preflight.pod import needs_of
from nago_orchestrator.executors.kubernetes.preflight.queue import GROUP, queue_finding, queue_of, queues_path
from nago_orchestrator.executors.kubernetes.preflight.quotas import quota_findings
from nago_orchestrator.executors.kubernetes.preflight.rights import ROLE, Right, rights_findings
from nago_orchestrator.executors.kubernetes.preflight.study import ExaminedStudy

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
CREATE_JOBS = Right("batch", "jobs", "create")
OPTIONS = ClientOptions(tries=2, read_timeout=10.0)
"""Somebody waits for the answer."""


def examine_cluster(study: ExaminedStudy | None) -> list[Finding]:
    """Reads the cluster of the present access, and judges. A cluster that is out of reach is one problem."""
    return _asked(lambda access: examine(access, study))


def try_first_job(job: Object, namespace: str | None, options: ClientOptions = OPTIONS) -> list[Finding]:
    """What the API server of the present access says to a study's first Job; it is not created."""

    def tried(access: Access) -> Iterator[Finding]:
        cluster = Cluster(KubernetesClient(access, options), namespace or access.namespace)
        yield _server(cluster, access)
        yield from _dry_runs(cluster, job)

    return _asked(tried)


def _asked(ask: Callable[[Access], Iterator[Finding]]) -> list[Finding]:
    try:
        access = find_access()
    except InputError as error:
        return [problem("access", str(error), "set KUBECONFIG to the file that your cluster's administrator gave you")]
    try:
        return list(ask(access))
    except ApiError as error:
        remedy = "check the address and the user of the kubeconfig with: kubectl version"
        return [problem("access", f"{access.source}: {error}", remedy)]


def _server(cluster: Cluster, access: Access) -> Finding:
    version = cluster.client.get("/version").get("gitVersion")
    return server_finding(f"{access.source}, {access.host}", str(version or "of an unknown version"))


def examine(access: Access, study: ExaminedStudy | None, options: ClientOptions = OPTIONS) -> Iterator[Finding]:
    """Without a study: who we are, what we may do, and the namespace's quotas.

    Raises ApiError if the API server does not respond or does not know the user.
    """
    namespace = None if study is None else study.namespace
    cluster = Cluster(KubernetesClient(access, options), namespace or access.namespace)
    yield _server(cluster, access)
    rights = {right: _may(cluster, right) for right in ROLE}
    found = cluster.read("/api/v1/namespaces", cluster.namespace)
    yield namespace_finding(cluster.namespace, found)
    if found is None:
        return
    yield from rights_findings(rights, cluster.namespace)
    quotas = cluster.list(f"{cluster.core}/resourcequotas")
    if study is None:
        yield from quota_findings(quotas, None, 1)
        return
    pod = needs_of(study.job, study.database_secret)
    yield from quota_findings(quotas, pod, study.parallelism)
    nodes = cluster.list("/api/v1/nodes")
    yield node_finding(nodes, pod, study.parallelism)
    fitting = None if isinstance(nodes, Refused) else len(fitting_nodes(nodes, pod))
    yield image_finding(pod)
    yield from image_path_finding(study.image_path, pod)
    for kind, name in names_of(pod):
        there = cluster.read(f"{cluster.core}/{KINDS[kind].resource}", name)
        yield object_finding(kind, name, there, pod, parallelism=study.parallelism, fitting_nodes=fitting)
    yield from _queue(cluster, study)
    if rights[CREATE_JOBS] is not False:
        yield from _dry_runs(cluster, study.job)


def _queue(cluster: Cluster, study: ExaminedStudy) -> Iterator[Finding]:
    name = queue_of(study.job)
    if name is None:
        return
    group = cluster.ask(GROUP)
    path = queues_path(group, cluster.namespace)
    yield queue_finding(name, group, None if path is None else cluster.read(path, name))


def _dry_runs(cluster: Cluster, wanted: Object) -> Iterator[Finding]:
    job = cluster.try_creating(cluster.jobs, job_to_try(wanted))
    pod = None if is_refused_for_good(job) else cluster.try_creating(f"{cluster.core}/pods", pod_of(wanted))
    yield from dry_run_findings(wanted["metadata"]["name"], job, pod)


def _may(cluster: Cluster, right: Right) -> bool | Refused:
    """Raises ApiError where the API server does not know us at all."""
    resource, _, subresource = right.resource.partition("/")
    asked: dict[str, str] = {"namespace": cluster.namespace, "verb": right.verb, "group": right.group}
    asked |= {"resource": resource, **({"subresource": subresource} if subresource else {})}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    try:
        answer = cluster.client.post(REVIEWS, review)
    except ApiError as error:
        if error.status in (0, UNAUTHORIZED):
            raise
        return Refused(str(error))
    return bool((answer.get("status") or {}).get("allowed"))
