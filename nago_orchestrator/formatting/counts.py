"""Counts in sentences. Called by whatever tells people of a number of things."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """1 as "1 epoch", 1500 as "1,500 epochs"; of "process" the plural is "processes"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"


def learnt_from(evaluations: int, studies: Sequence[str]) -> str:
    """What a warm start has brought: "14 evaluations of digits-first"."""
    return f"{counted(evaluations, 'evaluation')} of {', '.join(studies)}"
