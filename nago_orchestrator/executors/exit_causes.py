"""How an attempt's process ended, from its exit code alone: one classification for every executor. Pure.

An executor may know more than the code, e.g. that a pod was evicted; it looks at that first.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from nago_orchestrator.domain.states import Failure
from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.reports import FailureReport

CRASH_SIGNALS = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL})
"""What a program does to itself; any other signal came from outside."""
SIGNAL_OFFSET = 128
"""Shells and container runtimes report signal N as exit code 128 + N, and Python's subprocess as -N."""
LAST_SIGNAL = 64
"""The last real-time signal of Linux. Exit codes above 192 are therefore a program's own."""
UNKNOWN_STATUS = 255
"""What container runtimes report where they could not learn how the process ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why an attempt failed."""

    failure: Failure
    reason: str
    message: str


def reported_cause(report: FailureReport) -> Cause:
    return Cause(failure=Failure(report.kind), reason=report.reason, message=report.message)


def invalid_report(problem: str) -> Cause:
    """Of a trainer that reports what it cannot have measured: nothing of the report counts."""
    return Cause(
        failure=Failure.DEFECT, reason="InvalidReport", message=f"the trainer's report is not valid: {problem}"
    )


def old_trainer(measure: str) -> Cause:
    """Of a result without a measure that the study optimises."""
    return Cause(
        failure=Failure.DEFECT,
        reason="OldTrainer",
        message=f"the trainer does not report {measure}, which the study optimises: its version is older than the "
        "orchestrator's; use a trainer image of this version (execution.kubernetes.image)",
    )


_OWN_CODES: Mapping[int, tuple[Failure, str, str]] = {
    ExitCode.DONE: (Failure.DEFECT, "NoResult", "the trainer succeeded but left no result"),
    ExitCode.INFEASIBLE: (Failure.INFEASIBLE, "Infeasible", "the network cannot be trained here"),
    ExitCode.UNAVAILABLE: (
        Failure.INFRASTRUCTURE,
        "DatabaseUnavailable",
        "the trainer could not reach the database",
    ),
    ExitCode.NO_PROCESS: (
        Failure.INFRASTRUCTURE,
        "NoProcess",
        "the machine could not start the trainer's process: check its free memory and its limit of processes",
    ),
    ExitCode.UNWRITABLE: (
        Failure.INFRASTRUCTURE,
        "Unwritable",
        "the trainer could not write its files or read the images: check the disk or volume, and its free space",
    ),
    ExitCode.BUSY: (Failure.INFRASTRUCTURE, "Busy", "the attempt had ended, or a newer one had replaced it"),
    # Not "Preempted", which is what Kubernetes calls a pod that makes room for another one, nor "Interrupted", which is
    # a failure of its own kind: stopped by the user or with the orchestrator.
    ExitCode.PREEMPTED: (
        Failure.INFRASTRUCTURE,
        "Terminated",
        "the trainer was terminated (SIGTERM) before its end; the next attempt resumes from its checkpoint, if any",
    ),
    UNKNOWN_STATUS: (Failure.INFRASTRUCTURE, "StatusUnknown", "the trainer's exit status is unknown (exit code 255)"),
}


def exit_cause(code: int) -> Cause:
    """The cause of a failure whose only trace is this exit code; 0 is a trainer that ended without a result."""
    if (number := ended_by_signal(code)) is not None:
        return signal_cause(number)
    if code in _OWN_CODES:
        failure, reason, message = _OWN_CODES[code]
        return Cause(failure=failure, reason=reason, message=message)
    message = f"the trainer ended with exit code {code}"
    return Cause(failure=Failure.DEFECT, reason=f"ExitCode{code}", message=message)


def ended_by_signal(code: int) -> int | None:
    """The signal behind an exit code; None if the program ended by itself. 128 is no signal."""
    if code < 0:
        return -code
    return code - SIGNAL_OFFSET if SIGNAL_OFFSET < code <= SIGNAL_OFFSET + LAST_SIGNAL else None


def signal_cause(number: int) -> Cause:
    # SIGKILL is sent by the kernel to whatever runs while memory is short, by a node at the end of a grace period, and
    # by people. The code does not tell which, so it counts against no trial; memory is what is most worth checking.
    # Where an executor knows that the trial itself used too much memory, it says so before it asks here.
    if number == signal.SIGKILL:
        message = (
            "the trainer was killed (signal 9), probably for lack of memory: lower trainer.batch_size or "
            "execution.parallelism, or raise execution.kubernetes.memory"
        )
        return Cause(failure=Failure.INFRASTRUCTURE, reason="Signal9", message=message)
    failure = Failure.DEFECT if number in CRASH_SIGNALS else Failure.INFRASTRUCTURE
    return Cause(failure=failure, reason=f"Signal{number}", message=f"the trainer was ended by signal {number}")
