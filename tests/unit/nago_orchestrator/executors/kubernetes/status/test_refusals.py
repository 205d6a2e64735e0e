"""Refusals: pending for a moment, then to be tried again, and in the end given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nago_orchestrator.domain.attempts import Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.errors import (
    ApiError,
    ApiForbiddenError,
    ApiNotFoundError,
    ApiUnavailableError,
)
from nago_orchestrator.executors.kubernetes.manifest.settings import WaitLimits
from nago_orchestrator.executors.kubernetes.status.refusals import Refusals

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PAUSE = timedelta(seconds=5)
LIMITS = WaitLimits(unschedulable=DAY, quota=DAY, image=HOUR, container=HOUR)
QUOTA = ApiForbiddenError("exceeded quota: gpus", status=403)
STILL = ApiForbiddenError("still: exceeded quota: gpus", status=403)


def phase(refusals: Refusals, after: timedelta) -> Phase | None:
    seen = refusals.observe("a", NOW + after)
    return None if seen is None else seen.phase


def test_one_that_was_refused_rests_and_is_then_to_be_created_again() -> None:
    refusals = Refusals(LIMITS, PAUSE)
    assert phase(refusals, timedelta(0)) is None
    refusals.note("a", QUOTA, NOW)
    assert phase(refusals, PAUSE / 2) is Phase.PENDING
    assert phase(refusals, PAUSE) is Phase.ABSENT


def test_the_limit_counts_from_the_first_refusal_in_a_row() -> None:
    refusals = Refusals(LIMITS, PAUSE)
    assert refusals.note("a", QUOTA, NOW)
    assert not refusals.note("a", STILL, NOW + DAY)
    seen = refusals.observe("a", NOW + DAY + PAUSE)
    assert seen is not None
    assert (seen.phase, seen.failure, seen.reason) == (Phase.ENDED, Failure.INFRASTRUCTURE, "NotCreated")
    assert seen.message == str(STILL)
    refusals.forget("a")
    assert refusals.note("a", QUOTA, NOW + 2 * DAY)
    assert refusals.observe("a", NOW + 2 * DAY) is not None


def test_only_what_is_asked_for_is_kept() -> None:
    refusals = Refusals(LIMITS, PAUSE)
    refusals.note("a", QUOTA, NOW)
    refusals.note("b", QUOTA, NOW)
    refusals.keep_only(["b"])
    assert phase(refusals, timedelta(0)) is None
    assert refusals.observe("b", NOW) is not None


@pytest.mark.parametrize(
    ("error", "limit", "failure"),
    [
        (QUOTA, DAY, Failure.INFRASTRUCTURE),
        (ApiUnavailableError("no answer"), DAY, Failure.INFRASTRUCTURE),
        (ApiForbiddenError("admission webhook denied the request", status=403), HOUR, Failure.INFRASTRUCTURE),
        (ApiForbiddenError("it is being terminated", status=403), HOUR, Failure.INFRASTRUCTURE),
        (ApiNotFoundError("namespaces not found", status=404), HOUR, Failure.INFRASTRUCTURE),
        (ApiError("spec.template is invalid", status=422), timedelta(0), Failure.DEFECT),
        (ApiError("the request is too large", status=413), timedelta(0), Failure.DEFECT),
    ],
)
def test_what_may_be_accepted_later_is_waited_for(error: ApiError, limit: timedelta, failure: Failure) -> None:
    refusals = Refusals(LIMITS, PAUSE)
    refusals.note("a", error, NOW)
    assert limit == timedelta(0) or phase(refusals, limit - PAUSE) is Phase.ABSENT
    seen = refusals.observe("a", NOW + limit)
    assert seen is not None
    assert (seen.phase, seen.failure, seen.message) == (Phase.ENDED, failure, str(error))
