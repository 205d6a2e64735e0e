"""How a study goes on that was submitted or resumed, and how it stands once it no longer runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nago_orchestrator.domain.resuming import can_resume
from nago_orchestrator.domain.rows import BestGenerator
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.missing_best import best_or_reason
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import OpenDatabase
from nago_orchestrator.store.lease_rows import SERVING
from nago_orchestrator.store.store import open_store


class RunBy(StrEnum):
    NOBODY = "nobody"
    """It is over or paused."""
    SERVER = "server"
    THIS_PROCESS = "this process"
    NEW_PROCESS = "new process"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    run_by: RunBy
    server: str | None = None
    """The one that is running."""
    lacks_server: bool = False
    """It is one for a server, and none is running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEnd:
    message: str | None
    best: BestGenerator | None
    nothing: str | None
    """Why there is no best although something was evaluated."""
    can_resume: bool


def next_step(name: str, state: StudyState, url: str, *, follow: bool) -> NextStep:
    """Who is to run the study from now on. `follow`: this process, where no server does."""
    if state is not StudyState.RUNNING:
        return NextStep(run_by=RunBy.NOBODY)
    store = open_store(url)
    for_a_server = StudySpec.from_canonical(store.study(name).spec).execution.where == "kubernetes"
    server = store.holder(SERVING) if for_a_server else None
    if server is not None:
        return NextStep(run_by=RunBy.SERVER, server=server)
    return NextStep(run_by=RunBy.THIS_PROCESS if follow else RunBy.NEW_PROCESS, lacks_server=for_a_server)


def study_end(engine: OpenDatabase, name: str) -> StudyEnd:
    row = queries.study_status(engine, name)
    best, nothing = best_or_reason(engine, name, evaluations=row.evaluations)
    return StudyEnd(message=row.message, best=best, nothing=nothing, can_resume=can_resume(row.state, row.message))
