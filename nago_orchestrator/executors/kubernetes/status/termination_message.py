"""The termination message: what a trainer left with its container, in case the database could not take it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nago_orchestrator.domain.credentials import token_digest
from nago_orchestrator.executors.kubernetes.manifest.labels import TOKEN_DIGEST
from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.json_form import ContractError, read_json
from nago_trainer.contract.reports import FailureReport, TrialResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationMessage:
    result: TrialResult | None = None
    data: DataAnswer | None = None
    failure: FailureReport | None = None
    problem: str | None = None
    """Of a report of this attempt that is not valid."""
    text: str | None = None
    """Not a report: the end of the log, which Kubernetes puts there for a container that failed without one."""


def read_termination_message(job: Mapping[str, Any], terminated: Mapping[str, Any]) -> TerminationMessage:
    """A report of another attempt's token counts as none."""
    message = terminated.get("message")
    if not message:
        return TerminationMessage()
    try:
        report = read_json(message)
    except ContractError:
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
        if "data" in report:
            return TerminationMessage(data=DataAnswer.unpacked(report["data"]))
        return TerminationMessage(failure=FailureReport.from_json(report.get("failure")))
    except ContractError as error:
        return TerminationMessage(problem=str(error))
