"""Whether the queue that the study names is there. Pure.

Without it Kueue holds each Job back for ever, and nothing says that this is an error.
(https://kueue.sigs.k8s.io/docs/concepts/local_queue/)
"""

from __future__ import annotations

from urllib.parse import quote

from nago_orchestrator.domain.findings import Finding, ok, problem, unknown, warning
from nago_orchestrator.executors.kubernetes.manifest.labels import QUEUE
from nago_orchestrator.executors.kubernetes.manifest.objects import condition
from nago_orchestrator.executors.kubernetes.preflight.answers import Answer, Object, Refused

GROUP = "/apis/kueue.x-k8s.io"
"""Says which versions the cluster has; everybody may ask."""


def queue_of(job: Object) -> str | None:
    found: str | None = job["metadata"]["labels"].get(QUEUE)
    return found


def queues_path(group: Answer, namespace: str) -> str | None:
    """Where the queues are, by the answer for `GROUP`; None where that is not known."""
    if group is None or isinstance(group, Refused):
        return None
    version = (group.get("preferredVersion") or {}).get("version")
    return None if version is None else f"{GROUP}/{version}/namespaces/{quote(namespace)}/localqueues"


def queue_finding(name: str, group: Answer, queue: Answer) -> Finding:
    """`queue`: of no meaning where there is no path to it."""
    check = f"queue {name}"
    remedy = "see the queues with: kubectl get localqueues, and correct execution.kubernetes.queue"
    if group is None:
        detail = "the cluster has no Kueue: the Jobs start at once, as without a queue"
        return warning(check, detail, "remove execution.kubernetes.queue, or have Kueue installed")
    answer = group if isinstance(group, Refused) else queue
    if isinstance(answer, Refused):
        return unknown(check, answer.why, f"check with: kubectl get localqueues {name}")
    if answer is None:
        return problem(check, "there is none of that name: the trials' Jobs stay suspended", remedy)
    stopped = condition(answer, "Active", "False")
    if stopped is not None:
        return warning(check, f"takes no Jobs at present: {stopped.get('message') or 'no reason given'}", remedy)
    return ok(check, "exists")
