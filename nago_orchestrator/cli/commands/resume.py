"""resume: let a study run again that was paused, interrupted, killed or has failed."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from nago_orchestrator.cli.options import Database, Follow, StudyName
from nago_orchestrator.cli.output.following import go_on
from nago_orchestrator.cli.reading import known_database, named_study
from nago_orchestrator.services.studies import resume_study


def resume(name: StudyName = None, follow: Follow = True, database: Database = None) -> None:
    """Resume a study that was paused, interrupted or killed, or that failed."""
    url = known_database(database)
    study = resume_study(named_study(name, url), url, datetime.now(UTC))
    raise typer.Exit(go_on(study.name, study.state, url, follow=follow))
