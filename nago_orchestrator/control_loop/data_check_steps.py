"""Executes what the planner wants done about the check of a study's images. Called by `execute`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nago_orchestrator.control_loop.actions import (
    BeginDataCheck,
    DataAction,
    EndDataCheck,
    FollowUp,
    LaunchDataCheck,
    NoteDataCheck,
    RepeatDataCheck,
    StopDataCheck,
)
from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.control_loop.session import Session
from nago_orchestrator.domain.data_checks import data_check_name
from nago_orchestrator.domain.dataset import in_words
from nago_orchestrator.domain.states import AttemptState

NO_GRACE = 0.0
"""It has nothing to put down."""


def execute_data_action(action: DataAction, session: Session) -> Sequence[FollowUp]:
    rows = session.store.data_checks
    match action:
        case BeginDataCheck(number=number):
            rows.add(session.study_id, number, action.study_changed_at, action.created_at)
            return (LaunchDataCheck(data_check_name(session.study, number), action.anew),)
        case RepeatDataCheck(check=check):
            return (LaunchDataCheck(data_check_name(session.study, check.number), action.anew),)
        case NoteDataCheck(check=check):
            rows.note(session.study_id, check.number, action.state, action.reason, action.message)
            return ()
        case EndDataCheck():
            return _end(action, session)
        case StopDataCheck(check=check):
            session.executor.stop(data_check_name(session.study, check.number), grace_seconds=NO_GRACE)
            rows.end(session.study_id, replace(check, state=AttemptState.CANCELLED, ended_at=session.clock()))
            return ()


def _end(action: EndDataCheck, session: Session) -> Sequence[FollowUp]:
    ended = replace(
        action.check,
        state=action.state,
        failure=action.failure,
        reason=action.reason,
        message=action.message,
        ended_at=session.clock(),
    )
    session.store.data_checks.end(session.study_id, ended)
    found = action.found
    if found is None:
        text = f"data check {action.check.number} failed: {action.message}"
        return (session.event(EventKind.FAILED, text),)
    recipe = replace(session.recipe, dataset=found.dataset)
    session.store.set_dataset(session.study_id, recipe, found.summary)
    session.take_recipe(recipe)
    told = [] if found.summary is None else [f"images: {in_words(found.summary)}"]
    return [session.event(EventKind.IMAGES_CHECKED, text) for text in (*told, *found.warnings)]
