"""What a study would cost, and the first Job or task that it would start. For `nago-orch submit --dry-run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.resources import trial_resources
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.services.preview import (
    Cost,
    Preview,
    first_job,
    preview_study,
    study_cost,
    template_doubts,
)
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.kubernetes import KubernetesSection


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResources:
    """What the trainers of the first networks get, each from least to most, as Kubernetes quantities."""

    cpu: tuple[str, str]
    memory: tuple[str, str]
    memory_limit: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    spec: StudySpec
    cost: Cost
    first: Mapping[str, Any]
    """The first Job, or the first task of a study that runs on this machine."""
    networks: int
    """Of the first ones, those that can be trained."""
    infeasible: int
    """And those that cannot."""
    why_infeasible: str | None
    """Of the first of those."""
    parameters: tuple[int, int]
    """From least to most, as all pairs here."""
    bytes_per_sample: tuple[int, int]
    resources: JobResources | None
    """None for a study that runs on this machine."""
    doubts: tuple[str, ...]
    """What its pod template does that is not known to be good, which the study allows."""


def study_plan(spec: StudySpec, now: datetime) -> StudyPlan:
    """Stores nothing, and opens neither database nor cluster. Raises NagoError for what `submit` would refuse."""
    preview = preview_study(spec, study_recipe(spec))
    section = spec.execution.kubernetes if spec.execution.where == "kubernetes" else None
    first = preview.first_task().to_json() if section is None else first_job(preview, now)
    trials = [trial for _, trial in preview.feasible]
    return StudyPlan(
        spec=spec,
        cost=study_cost(spec),
        first=first,
        networks=len(trials),
        infeasible=len(preview.drawn) - len(trials),
        why_infeasible=preview.why_infeasible,
        parameters=_span([trial.parameters for trial in trials]),
        bytes_per_sample=_span([trial.bytes_per_sample or 0 for trial in trials]),
        resources=None if section is None else _resources(preview, section),
        doubts=() if section is None else template_doubts(preview, now),
    )


def _resources(preview: Preview, section: KubernetesSection) -> JobResources:
    settings = settings_of(section)
    found = [trial_resources(task, settings) for task in preview.tasks()]
    return JobResources(
        cpu=_quantities([each["requests"]["cpu"] for each in found]),
        memory=_quantities([each["requests"]["memory"] for each in found]),
        memory_limit=_quantities([each["limits"]["memory"] for each in found]),
    )


def _span(values: Sequence[int]) -> tuple[int, int]:
    return min(values), max(values)


def _quantities(texts: Sequence[str]) -> tuple[str, str]:
    """All in one unit."""
    ordered = sorted(texts, key=lambda text: (len(text), text))
    return ordered[0], ordered[-1]
