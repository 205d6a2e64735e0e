"""From a study's section to its executor. Called by the wiring; each study has a client of its own."""

from __future__ import annotations

from datetime import datetime

from nago_orchestrator.executors.kubernetes.api.access import find_access
from nago_orchestrator.executors.kubernetes.api.client import CallListener, KubernetesClient
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.executors.kubernetes.status.pod_log import PodLog
from nago_orchestrator.spec.kubernetes import KubernetesSection


def open_client(
    context: str | None = None, on_call: CallListener = lambda verb, status, seconds: None
) -> KubernetesClient:
    """Raises InputError where there is no access to a cluster."""
    return KubernetesClient(find_access(context), on_call=on_call)


def open_executor(
    client: KubernetesClient, section: KubernetesSection, study: StudyLabel, *, role_prefix: str
) -> KubernetesExecutor:
    """`role_prefix`: of the names of the attempts' roles in the database."""
    settings = settings_of(section)
    api = JobApi(client, settings.namespace or client.namespace)
    return KubernetesExecutor(api, settings, study, role_prefix=role_prefix)


def open_pod_log(attempt: str, namespace: str | None) -> PodLog:
    """The log of an attempt's pod; without a namespace, in that of the access."""
    client = open_client()
    return PodLog(JobApi(client, namespace or client.namespace), attempt)


def study_label(name: str, created_at: datetime) -> StudyLabel:
    """By which the study's Jobs are found, whoever created them."""
    return StudyLabel.of(name, created_at)
