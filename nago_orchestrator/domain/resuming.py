"""Whether it helps to resume a study that nobody runs."""

from __future__ import annotations

from nago_orchestrator.domain.states import StudyState

FOUND_NOTHING = "no trial succeeded"
"""In the message of a study that came to its end with nothing: resuming it would end the same."""


def can_resume(state: StudyState, message: str | None) -> bool:
    """`message`: why the study is in that state."""
    if state is StudyState.FAILED:
        return FOUND_NOTHING not in (message or "")
    return state in (StudyState.RUNNING, StudyState.PAUSED)
