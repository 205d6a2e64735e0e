"""pause: no new trials."""

from __future__ import annotations

from datetime import UTC, datetime

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import known_database, named_study
from nago_orchestrator.services.studies import pause_study


def pause(name: StudyName = None, database: Database = None) -> None:
    """Pause a study: running trials finish, no new ones start. Continue with `resume`."""
    url = known_database(database)
    study = pause_study(named_study(name, url), url, datetime.now(UTC))
    say(f"study {study.name} is paused; continue with: nago-orch resume {study.name}")
