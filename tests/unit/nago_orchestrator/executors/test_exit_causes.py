"""Every exit code means the same on every executor."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.domain.attempts import Observation
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.exit_causes import CRASH_SIGNALS, ended_by_signal, exit_cause
from nago_orchestrator.executors.kubernetes.status.causes import POD_DELETED, ended
from nago_orchestrator.executors.local.executor import LocalExecutor
from nago_trainer.contract.exit_codes import ExitCode

DEFECT, INFRASTRUCTURE, INFEASIBLE = Failure.DEFECT, Failure.INFRASTRUCTURE, Failure.INFEASIBLE
CODES = range(256)
SIGNALS = range(1, 65)
OWN = {
    ExitCode.DONE: (DEFECT, "NoResult"),
    ExitCode.INFEASIBLE: (INFEASIBLE, "Infeasible"),
    ExitCode.BAD_TASK: (DEFECT, "ExitCode64"),
    ExitCode.UNAVAILABLE: (INFRASTRUCTURE, "DatabaseUnavailable"),
    ExitCode.DEFECT: (DEFECT, "ExitCode70"),
    ExitCode.NO_PROCESS: (INFRASTRUCTURE, "NoProcess"),
    ExitCode.UNWRITABLE: (INFRASTRUCTURE, "Unwritable"),
    ExitCode.BUSY: (INFRASTRUCTURE, "Busy"),
    ExitCode.PREEMPTED: (INFRASTRUCTURE, "Terminated"),
}


def expected(code: int) -> tuple[Failure, str]:
    """Written out once more, independently of the code."""
    if code in OWN:
        return OWN[ExitCode(code)]
    if code == 255:
        return INFRASTRUCTURE, "StatusUnknown"
    if code < 0 or 129 <= code <= 192:
        number = -code if code < 0 else code - 128
        return DEFECT if number in {4, 6, 7, 8, 11} else INFRASTRUCTURE, f"Signal{number}"
    return DEFECT, f"ExitCode{code}"


def seen_locally(root: Path, code: int) -> Observation:
    folder = root / f"code{code}"
    folder.mkdir()
    (folder / "task.json").write_text(json.dumps({"token": "a"}))
    (folder / "exit.json").write_text(json.dumps({"exit_code": code, "ended_at": "2026-01-01T00:00:00+00:00"}))
    return LocalExecutor(root).observe([folder.name])[folder.name]


def seen_on_kubernetes(terminated: dict[str, Any]) -> Observation:
    kind = "Failed" if terminated["exitCode"] or terminated.get("signal") else "Complete"
    condition = {"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": ""}
    job = {"metadata": {"name": "a", "uid": "u"}, "status": {"conditions": [condition]}}
    status = {"name": "trainer", "state": {"terminated": {"reason": "Error", **terminated}}}
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Failed", "containerStatuses": [status]}}
    return ended(job, [pod])


def seen_on_kubernetes_without_a_pod(code: int) -> Observation:
    message = f"Container trainer for pod research/p failed with exit code {code} matching FailJob rule at index 1"
    condition = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": message}
    return ended({"metadata": {"name": "a", "uid": "u"}, "status": {"conditions": [condition]}}, [])


def test_every_exit_code_is_classified_alike_on_both_executors(tmp_path: Path) -> None:
    for code in CODES:
        cause = exit_cause(code)
        assert (cause.failure, cause.reason) == expected(code), code
        for seen in (seen_locally(tmp_path, code), seen_on_kubernetes({"exitCode": code})):
            assert (seen.failure, seen.reason, seen.message) == (cause.failure, cause.reason, cause.message), code
            assert seen.exit_code == code


def test_a_job_that_tells_the_code_of_a_pod_that_is_gone_is_classified_alike() -> None:
    """But for an end by a signal from outside: where the pod is gone too, it was deleted."""
    for code in CODES[1:]:
        seen = seen_on_kubernetes_without_a_pod(code)
        number = ended_by_signal(code)
        from_outside = code == ExitCode.PREEMPTED or (number is not None and number not in CRASH_SIGNALS)
        cause = POD_DELETED if from_outside else exit_cause(code)
        assert (seen.failure, seen.reason, seen.message) == (cause.failure, cause.reason, cause.message), code


def test_a_signal_is_classified_alike_however_it_is_told(tmp_path: Path) -> None:
    """Python tells -N, a shell and a container runtime 128 + N, and some runtimes beside the code."""
    for number in SIGNALS:
        cause = exit_cause(-number)
        assert (cause.failure, cause.reason) == expected(-number), number
        assert exit_cause(128 + number) == cause
        by_field = seen_on_kubernetes({"exitCode": 0, "signal": number})
        for seen in (seen_locally(tmp_path, -number), seen_on_kubernetes({"exitCode": 128 + number}), by_field):
            assert (seen.failure, seen.reason, seen.message) == (cause.failure, cause.reason, cause.message), number


def test_every_cause_is_one_sentence() -> None:
    for code in (*CODES, *(-number for number in SIGNALS)):
        message = exit_cause(code).message
        assert message
        assert "\n" not in message
        assert not message.endswith(".")


@pytest.mark.parametrize(("code", "number"), [(0, None), (128, None), (129, 1), (192, 64), (193, None), (-9, 9)])
def test_which_codes_are_signals(code: int, number: int | None) -> None:
    assert ended_by_signal(code) == number


def test_the_signals_of_a_crash_are_those_a_program_sends_itself() -> None:
    assert signal.SIGKILL not in CRASH_SIGNALS
    assert signal.SIGTERM not in CRASH_SIGNALS
