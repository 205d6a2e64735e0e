"""What `kubectl apply -k` brings about: a database with our schema, and trainers that can reach it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nago_orchestrator.executors.kubernetes.manifest.job import build_job
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.secret import address_for, build_secret
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.spec.kubernetes import GpuSection, KubernetesSection, SecretSection
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.store import Store
from nago_trainer.contract.reports import TrialResult
from tests.cluster.installation import TRAINER_SECRET, Installation
from tests.trainer_scene import TrainerScene

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800, func_only=True)]
EPOCHS = 2


def test_a_trainer_brings_its_result_into_the_database(installation: Installation, tmp_path: Path) -> None:
    installation.wait_until_migrated()
    with installation.database() as address:
        engine = connect(address)
        scene = TrainerScene(Store(engine), address, tmp_path, EPOCHS)
        attempt = scene.attempt()
        name, key = TRAINER_SECRET
        secret = SecretSection(name=name, key=key)
        section = KubernetesSection(image=installation.images.trainer, database_secret=secret, gpu=GpuSection(count=0))
        settings = settings_of(section)
        label = StudyLabel.of(scene.scene.study.name, scene.scene.study.created_at)
        given = scene.given[attempt.name]
        assert given.login is not None
        address = address_for("postgresql://nago-postgres:5432/nago", given.login.role, given.login.password)
        installation.kubectl.apply(build_secret(attempt.name, given, address, label))
        job = installation.run_job(build_job(attempt.name, scene.task(1, given.token), label, settings))
        result = scene.trial.result
        engine.dispose()
    assert "Complete" in [entry["type"] for entry in job["status"]["conditions"]]
    assert result is not None
    assert result.epochs == EPOCHS
    (pod,) = installation.kubectl.get("pods", "--selector", f"job-name={attempt.name}")["items"]
    terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert TrialResult.from_json(json.loads(terminated["message"])["result"]) == result
