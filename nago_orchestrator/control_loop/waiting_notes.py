"""Why an attempt does not run, for its row: written when it changes, never at each look. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nago_orchestrator.control_loop.actions import NoteWaiting
from nago_orchestrator.domain.attempts import Attempt, Observation, Phase
from nago_orchestrator.domain.states import AttemptState
from nago_orchestrator.domain.trials import Trial

USUAL_START = timedelta(seconds=10)
"""Every attempt waits a little, for its pod or its process: before this, a reason is not worth a write."""


def waiting_notes(trial: Trial, attempt: Attempt, observation: Observation, now: datetime) -> Sequence[NoteWaiting]:
    """`observation`: of an attempt that is to begin or runs. One that ran waits again where its Job is suspended."""
    if observation.phase is Phase.RUNNING:
        told = attempt.reason is not None and attempt.state is AttemptState.RUNNING
        return [NoteWaiting(trial, attempt, None, None)] if told else []
    if observation.reason is None or now < attempt.created_at + USUAL_START:
        return []
    if (observation.reason, observation.message) == (attempt.reason, attempt.message):
        return []
    return [NoteWaiting(trial, attempt, observation.reason, observation.message)]
