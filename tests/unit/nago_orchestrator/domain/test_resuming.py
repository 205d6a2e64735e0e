"""Whether a resume helps."""

from __future__ import annotations

import pytest

from nago_orchestrator.domain.resuming import can_resume
from nago_orchestrator.domain.states import StudyState


@pytest.mark.parametrize(
    ("state", "message", "helps"),
    [
        ("running", None, True),
        ("paused", "paused by the user", True),
        ("failed", "all of the first 3 trials failed", True),
        ("failed", "the search has evaluated all its proposals, but no trial succeeded: 1 failed, 0 infeasible", False),
        ("completed", "the search has evaluated all its proposals", False),
        ("cancelled", "cancelled by the user", False),
    ],
)
def test_a_resume_helps_unless_the_study_is_over_or_found_nothing(state: str, message: str | None, helps: bool) -> None:
    assert can_resume(StudyState(state), message) is helps
