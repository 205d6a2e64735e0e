"""What a check found: the one value of all checks of `nago-orch doctor`, whatever they look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, but slower, less safely or less surely than it could."""
    PROBLEM = "problem"
    """It does not work like this."""
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    state: State
    check: str
    """What was looked at, in a word or two."""
    detail: str
    remedy: str | None = None
    """One sentence; none where all is well."""


def ok(check: str, detail: str) -> Finding:
    return Finding(state=State.OK, check=check, detail=detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    return Finding(state=State.WARNING, check=check, detail=detail, remedy=remedy)


def problem(check: str, detail: str, remedy: str) -> Finding:
    return Finding(state=State.PROBLEM, check=check, detail=detail, remedy=remedy)


def unknown(check: str, detail: str, remedy: str) -> Finding:
    return Finding(state=State.UNKNOWN, check=check, detail=detail, remedy=remedy)
