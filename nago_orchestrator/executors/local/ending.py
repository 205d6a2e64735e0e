"""How a local attempt has ended, from its exit status and its report. Reads the tail of its log."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.exit_causes import Cause, exit_cause, invalid_report, reported_cause
from nago_orchestrator.executors.local.attempt_folder import Report, read_log_tail


def ended_observation(folder: Path, report: Report, ended: tuple[int, datetime] | None, uid: str | None) -> Observation:
    exit_code, ended_at = ended if ended is not None else (None, datetime.now(UTC))
    cause = _cause(report, exit_code)
    return Observation(
        phase=Phase.ENDED,
        epochs=tuple(report.epochs),
        result=None if report.problem else report.result,
        exit_code=exit_code,
        failure=cause.failure if cause else None,
        reason=cause.reason if cause else None,
        message=cause.message if cause else None,
        node=os.uname().nodename,
        uid=uid,
        log_tail=read_log_tail(folder) if cause else None,
        ended_at=ended_at,
    )


def _cause(report: Report, exit_code: int | None) -> Cause | None:
    if report.problem is not None:
        return invalid_report(report.problem)
    if report.result is not None:
        return None
    if report.failure is not None:
        return reported_cause(report.failure)
    if exit_code is None:
        message = "the process disappeared without a status"
        return Cause(failure=Failure.INFRASTRUCTURE, reason="Lost", message=message)
    return exit_cause(exit_code)
