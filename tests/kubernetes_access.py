"""The real client and settings, pointed at the tests' own API server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.configuration import Configuration

from nago_orchestrator.executors.kubernetes.api.access import Access
from nago_orchestrator.executors.kubernetes.api.client import ClientOptions, KubernetesClient
from nago_orchestrator.executors.kubernetes.api.jobs import JobApi
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings, settings_of
from nago_orchestrator.spec.kubernetes import KubernetesSection, SecretSection
from nago_trainer.contract.back_off import BackOff
from tests.api_server import NAMESPACE, ApiServer

ROLE_PREFIX = "nago_attempt_00000000_"
QUICK = ClientOptions(rate=10_000, back_off=BackOff(0.005, 0.05), connect_timeout=20.0, read_timeout=60.0)


def access_to(server: ApiServer, tokens: list[str] | None = None) -> Access:
    """Each reload takes the next token; the last one stays."""
    left = tokens or ["secret"]

    def configure(configuration: Configuration) -> None:
        configuration.host = server.address
        configuration.api_key["BearerToken"] = f"Bearer {left[0]}"
        if len(left) > 1:
            left.pop(0)

    return Access(configure, NAMESPACE)


def be_found(server: ApiServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By who looks for the usual kubeconfig: the place of it is read when the package is imported."""
    content = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
        "clusters": [{"name": "c", "cluster": {"server": server.address}}],
        "users": [{"name": "u", "user": {"token": "token"}}],
    }
    file = folder / "config"
    file.write_text(yaml.safe_dump(content))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    # Its place in the user's home.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))


def client_of(server: ApiServer, options: ClientOptions = QUICK, tokens: list[str] | None = None) -> KubernetesClient:
    return KubernetesClient(access_to(server, tokens), options)


def job_api(server: ApiServer) -> JobApi:
    return JobApi(client_of(server), NAMESPACE)


def study_label() -> StudyLabel:
    return StudyLabel(name="small", key="0123456789abcdef")


def kubernetes_settings(**changes: Any) -> KubernetesSettings:
    """The study file's defaults but for the changes."""
    section = KubernetesSection(
        image="registry.example/nago-trainer:1", database_secret=SecretSection(name="nago", key="url")
    )
    return replace(settings_of(section), **changes)
