"""All checks of a cluster together: facts in, findings out. Called by the diagnosis of `nago-orch doctor`."""

from __future__ import annotations

from collections.abc import Iterator

from nago_orchestrator.domain.findings import Finding, problem
from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.kubernetes.api.access import find_access
from nago_orchestrator.executors.kubernetes.api.errors import ApiError
from nago_orchestrator.executors.kubernetes.preflight.claims import claim_findings, image_path_finding
from nago_orchestrator.executors.kubernetes.preflight.cluster import cluster_findings, job_finding
from nago_orchestrator.executors.kubernetes.preflight.cluster_state import ClusterFacts, ExaminedStudy
from nago_orchestrator.executors.kubernetes.preflight.limit_ranges import limit_range_findings
from nago_orchestrator.executors.kubernetes.preflight.names import name_findings
from nago_orchestrator.executors.kubernetes.preflight.nodes import node_findings
from nago_orchestrator.executors.kubernetes.preflight.pod import needs_of
from nago_orchestrator.executors.kubernetes.preflight.quotas import quota_findings
from nago_orchestrator.executors.kubernetes.preflight.reading import read_cluster
from nago_orchestrator.executors.kubernetes.preflight.rights import rights_findings


def examine_cluster(study: ExaminedStudy | None) -> list[Finding]:
    """Reads the cluster of the present access, and judges. A cluster that is out of reach is one problem."""
    try:
        access = find_access()
    except InputError as error:
        return [problem("access", str(error), "set KUBECONFIG to the file that your cluster's administrator gave you")]
    namespace, job = (None, None) if study is None else (study.namespace, study.job)
    try:
        facts = read_cluster(access, namespace, job)
    except ApiError as error:
        remedy = "check the address and the user of the kubeconfig with: kubectl version"
        return [problem("access", f"{access.source}: {error}", remedy)]
    return list(judge(facts, study))


def judge(facts: ClusterFacts, study: ExaminedStudy | None) -> Iterator[Finding]:
    """Without a study: who we are, what we may, and what the namespace's quotas are."""
    yield from cluster_findings(facts)
    if facts.namespace_object is None:
        return
    yield from rights_findings(facts.rights, facts.namespace)
    pod, parallelism = (None, 1) if study is None else (needs_of(study.job), study.parallelism)
    yield from quota_findings(facts.quotas, facts.limit_ranges, pod, parallelism)
    yield from limit_range_findings(facts.limit_ranges, pod)
    if study is None or pod is None:
        return
    yield from node_findings(facts.nodes, facts.quotas, pod, parallelism)
    yield from claim_findings(facts.claims, facts.nodes, pod, parallelism)
    yield from image_path_finding(study.image_path, pod)
    yield from name_findings(facts, pod)
    yield job_finding(facts, study.job["metadata"]["name"])
