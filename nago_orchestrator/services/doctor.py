"""Checks of a study before it runs: its file, its cluster, its database. Called by `nago-orch doctor`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from nago_orchestrator.domain.dataset import in_words, summary_of, warnings
from nago_orchestrator.domain.findings import Finding, State, ok, problem, warning
from nago_orchestrator.domain.proposals import PriorEvaluation
from nago_orchestrator.errors import NagoError
from nago_orchestrator.executors.kubernetes.preflight.study import ExaminedStudy
from nago_orchestrator.formatting.counts import counted, learnt_from
from nago_orchestrator.services.admission import new_study
from nago_orchestrator.services.cluster import cluster_findings
from nago_orchestrator.services.preview import Preview, first_job, preview_study, study_cost, template_doubts
from nago_orchestrator.services.training_configuration import look_at_images, recipe_of
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store import versions
from nago_orchestrator.store.checks import database_findings
from nago_orchestrator.store.store import open_store
from nago_orchestrator.store.studies import not_found
from nago_trainer.contract.data_report import DataReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at beside this machine."""

    spec: StudySpec | None
    cluster: bool
    """Whether a cluster belongs to it: the study's, or the one that was asked for."""
    url: str


def subject_of(spec: StudySpec | None, url: str, *, asked_for_cluster: bool) -> Subject:
    """Inside a cluster its own is looked at, unless the study has nothing to do with it."""
    inside = "KUBERNETES_SERVICE_HOST" in os.environ
    concerned = inside if spec is None else spec.execution.where == "kubernetes"
    return Subject(spec=spec, cluster=asked_for_cluster or concerned, url=url)


def diagnose(subject: Subject, now: datetime) -> Iterator[Finding]:
    spec, preview = subject.spec, None
    if spec is not None:
        preview, found = _study(spec)
        yield from found
    if subject.cluster:
        yield from _cluster(preview, now)
    parallelism = None if spec is None else spec.execution.parallelism
    findings = database_findings(subject.url, for_jobs=subject.cluster, parallelism=parallelism)
    yield from findings
    if preview is not None and not any(finding.state is State.PROBLEM for finding in findings):
        yield _admission(preview, subject.url)


def _study(spec: StudySpec) -> tuple[Preview | None, Sequence[Finding]]:
    check = f"study {spec.name}"
    try:
        report = look_at_images(spec)
        preview = preview_study(spec, recipe_of(spec, report))
    except NagoError as error:
        return None, [problem(check, str(error), "correct the study file, then run the check again")]
    cost = _cost(preview, check)
    return None if cost.state is State.PROBLEM else preview, [
        cost,
        *([] if report is None else [_images(report, spec)]),
    ]


def _images(report: DataReport, spec: StudySpec) -> Finding:
    text = in_words(summary_of(report, spec.trainer.batch_size))
    doubts = warnings(report, spec.trainer.batch_size)
    if not doubts:
        return ok("images", text)
    told = [doubt for doubt in doubts if not doubt.startswith("left out")]  # which the text says already
    return warning("images", "; ".join((text, *told)), "see `nago-orch data check STUDY.yaml`")


def _cost(preview: Preview, check: str) -> Finding:
    infeasible = len(preview.drawn) - len(preview.feasible)
    if not preview.feasible:
        remedy = "raise trainer.parameter_limit or trainer.memory, or narrow the space"
        return problem(
            check, f"none of its first {infeasible} networks can be trained: {preview.why_infeasible}", remedy
        )
    cost = study_cost(preview.spec)
    return ok(check, f"{counted(cost.trials, 'trial')}, {counted(cost.epochs, 'epoch')} in total")


def _admission(preview: Preview, url: str) -> Finding:
    """Whether `submit` would refuse the study for what the database has."""
    spec, check = preview.spec, f"study {preview.spec.name} in the database"
    prior: tuple[PriorEvaluation, ...] = ()
    try:
        if versions.check(url).state is versions.SchemaState.CURRENT:
            prior = new_study(open_store(url), spec, preview.recipe).prior
        elif spec.warm_start:
            raise not_found(spec.warm_start[0], ())
    except NagoError as error:
        return problem(check, str(error), "correct the study file, then run the check again")
    return ok(check, learnt_from(len(prior), spec.warm_start) if prior else "can be submitted")


def _cluster(preview: Preview | None, now: datetime) -> Iterator[Finding]:
    study = None
    try:
        if preview is not None:
            yield from _template(preview, now)
            study = _examined(preview, now)
    except NagoError as error:
        yield problem("first Job", str(error), "correct execution.kubernetes in the study file")
    yield from cluster_findings(study)


def _template(preview: Preview, now: datetime) -> Iterator[Finding]:
    """Raises SpecError for one that is refused."""
    if preview.spec.execution.where != "kubernetes":
        return
    doubts = template_doubts(preview, now)
    if doubts:
        remedy = "make sure that these fields cannot harm other users of the cluster, or remove them"
        yield warning("pod template", "; ".join(doubts), remedy)


def _examined(preview: Preview, now: datetime) -> ExaminedStudy | None:
    """None for a study that runs elsewhere."""
    execution = preview.spec.execution
    if execution.where != "kubernetes" or execution.kubernetes is None:
        return None
    return ExaminedStudy(
        job=first_job(preview, now),
        parallelism=execution.parallelism,
        image_path=preview.spec.trainer.dataset.path,
        database_secret=(execution.kubernetes.database_secret.name, execution.kubernetes.database_secret.key),
        namespace=execution.kubernetes.namespace,
    )
