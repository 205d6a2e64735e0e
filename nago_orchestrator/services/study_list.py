"""All studies of a database, each with who runs it. For `nago-orch list`."""

from __future__ import annotations

from dataclasses import dataclass

from nago_orchestrator.domain.rows import StudyRow
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import OpenDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedStudy:
    row: StudyRow
    holder: str | None
    """Who runs it."""

    @property
    def is_abandoned(self) -> bool:
        """It is to run, and nobody runs it."""
        return self.row.state is StudyState.RUNNING and self.holder is None


def listed_studies(engine: OpenDatabase) -> list[ListedStudy]:
    """Oldest first."""
    return [ListedStudy(row=row, holder=_holder(engine, row)) for row in queries.list_studies(engine)]


def _holder(engine: OpenDatabase, row: StudyRow) -> str | None:
    """Nobody holds a study that is over, and to ask takes a connection."""
    return queries.holder(engine, row.name) if row.state in (StudyState.RUNNING, StudyState.PAUSED) else None
