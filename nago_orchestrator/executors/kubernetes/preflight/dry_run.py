"""What the API server says to the study's first Job and to its pod, which are tried and not kept. Pure.

It checks all fields and asks the cluster's admission rules. A Job's pod is checked only when it is created, e.g. by
LimitRanges: where this user may create pods, a right that no study needs, the pod is tried as well.
"""

from __future__ import annotations

from collections.abc import Iterator

from nago_orchestrator.domain.findings import Finding, State, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.preflight.answers import DryRun, Object

JOB, POD = "first Job", "first pod"
NEWER_FIELDS = frozenset({"podReplacementPolicy"})
"""Of a Job, that this program sends also to API servers which are too old to know them, and drop them."""
OF_PODS = "limit ranges, quotas of limits, the priority class or admission rules"
REMEDY = "correct what the message names in execution.kubernetes of the study file, or ask the cluster's administrator"


def job_to_try(job: Object) -> Object:
    return {**job, "spec": {key: value for key, value in job["spec"].items() if key not in NEWER_FIELDS}}


def pod_of(job: Object) -> Object:
    """The pod that the cluster would create for the Job."""
    template = job["spec"]["template"]
    metadata = {**(template.get("metadata") or {}), "name": job["metadata"]["name"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def is_refused_for_good(job: DryRun) -> bool:
    """And not by a quota that is used up now, or by a webhook that knows no dry run: then its pod may be tried."""
    return _finding(JOB, "", job).state is State.PROBLEM


def dry_run_findings(name: str, job: DryRun, pod: DryRun | None) -> Iterator[Finding]:
    """`pod`: None where it was not tried, because the Job is refused."""
    yield _finding(JOB, name, job)
    if pod is None or _is_full(pod):
        return  # a quota that is used up has its own finding
    if pod.refused is not None and pod.refused.lacks_right:
        detail = f"not tried, because {pod.refused.why}: {OF_PODS} may still refuse the trials' pods"
        yield unknown(POD, detail, "run the doctor with a user who may create pods")
        return
    told = DryRun(pod.refused, tuple(text for text in pod.warnings if text not in job.warnings))
    yield _finding(POD, f"the pod of {name}", told)


def _finding(check: str, name: str, run: DryRun) -> Finding:
    if run.refused is None and not run.warnings:
        return ok(check, f"the API server would accept {name}")
    if run.refused is None:
        return warning(check, f"the API server would accept {name}, but warns: {'; '.join(run.warnings)}", REMEDY)
    if "does not support dry run" in run.refused.why:  # an admission webhook with effects of its own
        return unknown(check, run.refused.why, "submit a small study to see whether its Jobs are accepted")
    if _is_full(run):
        return warning(check, f"the API server refuses it now: {run.refused.why}", "wait, or raise the quota")
    return problem(check, f"the API server refuses it: {run.refused.why}", REMEDY)


def _is_full(run: DryRun) -> bool:
    return run.refused is not None and "exceeded quota" in run.refused.why
