"""Reads the folder that a local attempt works in (`nago_trainer.contract.attempt_files`); changes nothing in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nago_orchestrator.executors.port import LOG_TAIL_BYTES, LOG_TAIL_LINES
from nago_trainer.contract.attempt_files import CLAIM_FILE, EXIT_FILE, LOG_FILE, REPORT_FILE
from nago_trainer.contract.json_form import ContractError
from nago_trainer.contract.json_form import read_json as parse_json
from nago_trainer.contract.process_identity import process_start_ticks
from nago_trainer.contract.reports import EpochRecord, FailureReport, TrialResult


@dataclass(frozen=True, slots=True)
class Claim:
    pid: int
    start_ticks: int | None
    """The process's start in the kernel's clock ticks, so that a reused pid is not mistaken for it."""

    @property
    def is_alive(self) -> bool:
        found = process_start_ticks(self.pid)
        if found is None:
            return False
        return self.start_ticks is None or found == self.start_ticks


@dataclass(slots=True)
class Report:
    """What was read of a report so far; reading goes on where the last one ended. Of anything reported twice, the
    first counts, as in the database."""

    epochs: list[EpochRecord] = field(default_factory=list)
    result: TrialResult | None = None
    failure: FailureReport | None = None
    problem: str | None = None
    """Of the first line of this attempt that is no valid report: then the whole report counts for nothing."""
    offset: int = 0

    def add_epoch(self, record: EpochRecord) -> None:
        if not self.epochs or record.epoch > self.epochs[-1].epoch:
            self.epochs.append(record)


def read_json(path: Path) -> dict[str, Any] | None:
    """None if the file is absent or cut off."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None


def read_claim(folder: Path) -> Claim | None:
    content = read_json(folder / CLAIM_FILE)
    return Claim(content["pid"], content.get("start_ticks")) if content else None


def read_report(folder: Path, report: Report, token: str) -> None:
    """Add the whole lines that have come since; a line without the attempt's token is passed over."""
    try:
        with (folder / REPORT_FILE).open("rb") as file:
            file.seek(report.offset)
            fresh = file.read()
    except FileNotFoundError:
        return
    whole = fresh[: fresh.rfind(b"\n") + 1]
    report.offset += len(whole)
    for line in whole.splitlines():
        _add_line(report, line, token)


def _add_line(report: Report, line: bytes, token: str) -> None:
    """A line that is no JSON was cut off by a full disk; the trainer wrote it again or could not write at all."""
    try:
        entry = parse_json(line)
    except ContractError:
        return
    if not isinstance(entry, dict) or entry.get("token") != token:
        return
    try:
        if "epoch" in entry:
            report.add_epoch(EpochRecord.from_json(entry["epoch"]))
        elif "result" in entry:
            report.result = report.result or TrialResult.from_json(entry["result"])
        elif "failure" in entry:
            report.failure = report.failure or FailureReport.from_json(entry["failure"])
    except ContractError as error:
        report.problem = report.problem or str(error)


def read_log_tail(folder: Path) -> str | None:
    try:
        with (folder / LOG_FILE).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    return "\n".join(lines[-LOG_TAIL_LINES:]) or None


def read_exit(folder: Path) -> tuple[int, datetime] | None:
    content = read_json(folder / EXIT_FILE)
    if content is None:
        return None
    return int(content["exit_code"]), datetime.fromisoformat(content["ended_at"]).astimezone(UTC)
