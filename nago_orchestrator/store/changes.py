"""Whether anything happened to a study that its orchestrator did not do itself: one small query, asked several times a
second. What other processes may do is move the study, add proposals after its search, and store results of trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, func, select, true

from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.errors import NotFoundError
from nago_orchestrator.store.schema import result, study, trial

_ACTIVE = [state for state in TrialState if not state.is_final]
_id: BindParameter[int] = bindparam("of_study")
_newest = select(func.max(trial.c.number)).where(trial.c.study_id == _id).scalar_subquery()
_unaccepted = (
    select(trial.c.id)
    .join_from(trial, result, result.c.trial_id == trial.c.id)
    .where(trial.c.study_id == _id, trial.c.state.in_(_ACTIVE))
    .subquery()
)
_PULSE = (
    select(study.c.state, study.c.changed_at, study.c.created_at, _newest.label("newest"), _unaccepted.c.id)
    .select_from(study)
    .outerjoin(_unaccepted, true())
    .where(study.c.id == _id)
)
"""Built once: it is run several times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    state: StudyState
    changed_at: datetime
    """When it came into this state."""
    created_at: datetime
    newest_trial: int
    """Its number; -1 before the first."""
    results: frozenset[int]
    """Ids of the trials that are not final and have a result."""


def pulse(connection: Connection, study_id: int) -> Pulse:
    rows = connection.execute(_PULSE, {"of_study": study_id}).all()
    if not rows:
        raise NotFoundError(f"there is no study with the id {study_id}")
    first = rows[0]
    return Pulse(
        state=StudyState(first.state),
        changed_at=first.changed_at,
        created_at=first.created_at,
        newest_trial=-1 if first.newest is None else first.newest,
        results=frozenset(row.id for row in rows if row.id is not None),
    )
