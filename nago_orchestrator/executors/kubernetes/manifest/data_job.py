"""The Job that looks at a study's images, where only its trainers see them. Pure.

It is a trial's Job in all but its command and its resources: the images are to be there for it as for a trial. It has
no way to the database, and answers by its termination message alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from nago_orchestrator.domain.credentials import token_digest
from nago_orchestrator.executors.kubernetes.manifest.job import (
    assemble_job,
    folder_variables,
    pod_template,
    trainer_container,
)
from nago_orchestrator.executors.kubernetes.manifest.labels import (
    DATA_CHECK,
    TOKEN_DIGEST,
    StudyLabel,
    study_labels,
)
from nago_orchestrator.executors.kubernetes.manifest.objects import CONTAINER
from nago_orchestrator.executors.kubernetes.manifest.resources import MEBIBYTE, in_mebibytes
from nago_orchestrator.executors.kubernetes.manifest.settings import KubernetesSettings
from nago_trainer.contract.attempt_files import TOKEN_VARIABLE
from nago_trainer.contract.data_check import QUESTION_VARIABLE, DataQuestion
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import DatasetSettings

DECODING_BYTES = 2048 * MEBIBYTE
"""For a few images of 20 megapixels at the same time, each with transparency, and what is found of a million images."""
OF_THE_WORK = ("command", "args", "resources")


def build_data_job(
    name: str, dataset: DatasetSettings, study: StudyLabel, settings: KubernetesSettings, *, anew: bool = False
) -> dict[str, Any]:
    """Raises SpecError as `build_job` does."""
    question = json.dumps(_question(dataset, settings, anew=anew).to_json(), sort_keys=True)
    token = hashlib.sha256(f"{study.key} {name} {question}".encode()).hexdigest()  # no secret: it opens nothing
    whole = question.replace("$", "$$")  # or Kubernetes would take $(NAME) in a path as a variable
    variables = {QUESTION_VARIABLE: whole, TOKEN_VARIABLE: token, **folder_variables(settings)}
    environment = [{"name": key, "value": value} for key, value in variables.items()]
    command = ["nago-train", "check-data", "--job"]
    container = trainer_container(command, environment, _resources(settings), settings)
    template = pod_template({**study_labels(study), DATA_CHECK: "true"}, container, settings)
    return assemble_job(name, {TOKEN_DIGEST: token_digest(token)}, template, _for_data(settings))


def _for_data(settings: KubernetesSettings) -> KubernetesSettings:
    """What the study's pod template says of a trial's command and resources is not meant for this one."""
    spec = settings.pod_template.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(containers, list):
        return settings
    left = [_without_work(container) for container in containers]
    return replace(settings, pod_template={**settings.pod_template, "spec": {**spec, "containers": left}})


def _without_work(container: Any) -> Any:
    if not isinstance(container, dict) or container.get("name") != CONTAINER:
        return container
    return {key: value for key, value in container.items() if key not in OF_THE_WORK}


def _question(dataset: DatasetSettings, settings: KubernetesSettings, *, anew: bool) -> DataQuestion:
    return DataQuestion(
        source=DataSource.of(dataset),
        kept=f"{_place(dataset, settings)}.json",
        since=dataset.fingerprint,
        anew=anew,
        prepare=None if dataset.prepared is None else replace(dataset, images=None, own_test=False),
    )


def _place(dataset: DatasetSettings, settings: KubernetesSettings) -> str:
    """The same for all studies on these images, and another for the same path in another volume."""
    claim = "" if settings.data is None else f"{settings.data.claim} {settings.data.sub_path or ''}"
    return hashlib.sha256(f"{claim} {dataset.path}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _resources(settings: KubernetesSettings) -> dict[str, dict[str, str]]:
    """No GPU; a few images are decoded at a time, and only what was found of them is kept."""
    memory = settings.memory or in_mebibytes(DECODING_BYTES)
    return {"requests": {"cpu": settings.cpu or "1", "memory": memory}, "limits": {"memory": memory}}
