"""Refusals: pending for a moment, then to be tried again, and in the end given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.status.refusals import Refusals

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PAUSE = timedelta(seconds=5)


def phase(refusals: Refusals, after: timedelta) -> Phase | None:
    seen = refusals.observe("a", NOW + after)
    return None if seen is None else seen.phase


def test_one_that_was_refused_rests_and_is_then_to_be_created_again() -> None:
    refusals = Refusals(DAY, PAUSE)
    assert phase(refusals, timedelta(0)) is None
    refusals.note("a", "quota", NOW)
    assert phase(refusals, PAUSE / 2) is Phase.PENDING
    assert phase(refusals, PAUSE) is Phase.ABSENT


def test_the_limit_counts_from_the_first_refusal_in_a_row() -> None:
    refusals = Refusals(DAY, PAUSE)
    assert refusals.note("a", "quota", NOW)
    assert not refusals.note("a", "still", NOW + DAY)
    seen = refusals.observe("a", NOW + DAY + PAUSE)
    assert seen is not None
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.INFRASTRUCTURE, "NotCreated")
    assert seen.message == "still"
    refusals.forget("a")
    assert refusals.note("a", "quota", NOW + 2 * DAY)
    assert refusals.observe("a", NOW + 2 * DAY) is not None


def test_only_what_is_asked_for_is_kept() -> None:
    refusals = Refusals(DAY, PAUSE)
    refusals.note("a", "quota", NOW)
    refusals.note("b", "quota", NOW)
    refusals.keep_only(["b"])
    assert phase(refusals, timedelta(0)) is None
    assert refusals.observe("b", NOW) is not None
