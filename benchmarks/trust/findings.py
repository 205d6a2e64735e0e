"""Runs a check on many inputs and collects what it says of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

Findings = dict[str, list[tuple[str, Any]]]
"""By the first words of what is wrong: that in full, and the input."""


def examples(strategy: st.SearchStrategy[Any], check: Callable[[Any], str | None], count: int, number: int) -> Findings:
    """Of `count` inputs; the same `number` gives the same ones. It goes on after a finding."""
    found: Findings = {}

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def one(value: Any) -> None:
        wrong = check(value)
        if wrong is not None:
            found.setdefault(wrong[:80], []).append((wrong, value))

    one()
    return found
