"""The termination message: what a trainer left with its container, in case the database could not take it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.manifest.labels import TOKEN_DIGEST, token_digest
from nago_trainer.contract.json_form import ContractError
from nago_trainer.contract.reports import TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationMessage:
    result: TrialResult | None = None
    failure: Mapping[str, str] | None = None
    """kind, reason and message."""
    text: str | None = None
    """Not a report: the end of the log, which Kubernetes puts there for a container that failed without one."""


def read_termination_message(job: Mapping[str, Any], terminated: Mapping[str, Any]) -> TerminationMessage:
    """A report of another attempt's token, or one that cannot be understood, counts as none."""
    message = terminated.get("message")
    if not message:
        return TerminationMessage()
    try:
        report = json.loads(message)
    except json.JSONDecodeError:
        return TerminationMessage(text=message)
    if not isinstance(report, dict):
        return TerminationMessage(text=message)
    annotations = job["metadata"].get("annotations") or {}
    if token_digest(str(report.get("token"))) != annotations.get(TOKEN_DIGEST):
        return TerminationMessage()
    return _read(report)


def _read(report: Mapping[str, Any]) -> TerminationMessage:
    try:
        if "result" in report:
            return TerminationMessage(result=TrialResult.from_json(report["result"]))
        failure = {key: str(report["failure"][key]) for key in ("kind", "reason", "message")}
        Failure(failure["kind"])
    except (ContractError, KeyError, TypeError, ValueError):
        return TerminationMessage()
    return TerminationMessage(failure=failure)
