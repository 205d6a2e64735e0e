"""The labels by which Jobs are found and told apart from what others made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nago_trainer.contract.task import TrialTask

PREFIX = "nago.dev/"
STUDY = PREFIX + "study"
STUDY_KEY = PREFIX + "study-key"
TRIAL = PREFIX + "trial"
ATTEMPT = PREFIX + "attempt"
DATA_CHECK = PREFIX + "data-check"
TOKEN_DIGEST = PREFIX + "token-digest"
"""An annotation: tells two attempts of one name apart without giving the token away."""
SECRET = PREFIX + "secret"
"""An annotation: the Secret of the attempt."""
QUEUE = "kueue.x-k8s.io/queue-name"
_ATTEMPT_NAME = re.compile(r"-t(\d+)-a(\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLabel:
    name: str
    key: str
    """Unlike the name, never the same for the studies of two databases."""

    @classmethod
    def of(cls, name: str, created_at: datetime) -> StudyLabel:
        return cls(name=name, key=hashlib.sha256(f"{name} {created_at.timestamp():.6f}".encode()).hexdigest()[:16])

    @property
    def selector(self) -> str:
        return f"{STUDY}={self.name},{STUDY_KEY}={self.key}"

    def is_on(self, item: Mapping[str, Any]) -> bool:
        """Whether the object is this study's."""
        labels = item["metadata"].get("labels") or {}
        return {STUDY: self.name, STUDY_KEY: self.key}.items() <= labels.items()

    def log_fields(self, name: str = "") -> dict[str, str | int]:
        """What a line of the log is about; `name` is an attempt's."""
        parts = _ATTEMPT_NAME.search(name)
        return {"study": self.name, **({"trial": int(parts[1]), "attempt": int(parts[2])} if parts else {})}


def study_labels(study: StudyLabel) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "nago-trainer",
        "app.kubernetes.io/component": "evaluation",
        "app.kubernetes.io/part-of": "nago",
        "app.kubernetes.io/managed-by": "nago-orch",
        "app.kubernetes.io/instance": study.name,
        STUDY: study.name,
        STUDY_KEY: study.key,
    }


def job_labels(study: StudyLabel, task: TrialTask) -> dict[str, str]:
    return {**study_labels(study), TRIAL: str(task.trial), ATTEMPT: str(task.attempt)}


def is_same_attempt(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a Job that was found is the one that is wanted, made by this or an earlier orchestrator."""
    labels = found["metadata"].get("labels") or {}
    annotations = found["metadata"].get("annotations") or {}
    digest = wanted["metadata"]["annotations"][TOKEN_DIGEST]
    ours = {name: value for name, value in wanted["metadata"]["labels"].items() if name.startswith(PREFIX)}
    return annotations.get(TOKEN_DIGEST) == digest and ours.items() <= labels.items()
