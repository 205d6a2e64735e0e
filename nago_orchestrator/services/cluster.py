"""What a cluster and its API server say to a study. For `nago-orch doctor` and `submit --dry-run --server`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from nago_orchestrator.domain.findings import Finding
from nago_orchestrator.errors import InputError, needing
from nago_orchestrator.executors.kubernetes.preflight.study import ExaminedStudy
from nago_orchestrator.spec import StudySpec


def cluster_findings(study: ExaminedStudy | None) -> Sequence[Finding]:
    """None at all where the extra is missing, which the checks of the installation say."""
    try:
        found: Sequence[Finding] = _preflight().examine_cluster(study)
    except ModuleNotFoundError:
        return ()
    return found


def server_findings(spec: StudySpec, job: Mapping[str, Any]) -> Sequence[Finding]:
    """What the API server would do with the study's first Job. Raises InputError for a study without Jobs."""
    if spec.execution.where != "kubernetes" or spec.execution.kubernetes is None:
        what = "--server is only for studies on Kubernetes, and this one runs on this machine"
        raise InputError(what, do="leave out --server")
    with needing("kubernetes", what="--server"):
        found: Sequence[Finding] = _preflight().try_first_job(job, spec.execution.kubernetes.namespace)
    return found


def _preflight() -> ModuleType:
    from nago_orchestrator.executors.kubernetes.preflight import examine  # here: an optional extra

    return examine
