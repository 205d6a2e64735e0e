"""submit, pause, resume, cancel: the commands that move a study."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyFile, StudyName
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting.counts import learnt_from

Follow = Annotated[
    bool,
    typer.Option(
        "--follow/--detach", help="Run it here and show what happens, or leave it to a process in the background."
    ),
]


def submit(
    file: StudyFile,
    local: Annotated[bool, typer.Option("--local", help="Run on this machine, whatever the study file says.")] = False,
    follow: Follow = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing: print what it would cost, and the first Job or task.")
    ] = False,
    database: Database = None,
) -> None:
    """Start the study of a study file; the same file again goes on with it.

    Ctrl-C once: no new trials, running ones come to their end. Twice: at once. Nothing is lost either way.
    """
    from nago_orchestrator.cli.output.following import go_on
    from nago_orchestrator.paths import database_url
    from nago_orchestrator.services.studies import submit_study
    from nago_orchestrator.spec import load_study_spec

    spec = load_study_spec(file)
    if local and spec.execution.where != "local":
        spec = spec.model_copy(update={"execution": spec.execution.model_copy(update={"where": "local"})})
    if dry_run:
        from nago_orchestrator.cli.output.dry_run import show_plan

        return show_plan(spec, datetime.now(UTC))
    url = database_url(database)
    study = submit_study(spec, url, datetime.now(UTC))
    if study.prior:
        typer.echo(f"warm start: {learnt_from(len(study.prior), spec.warm_start)}")
    raise typer.Exit(go_on(study.name, study.state, url, follow=follow))


def resume(name: StudyName = None, follow: Follow = True, database: Database = None) -> None:
    """Go on with a study that was paused, interrupted, killed or has failed."""
    from nago_orchestrator.cli.output.following import go_on
    from nago_orchestrator.services.studies import resume_study

    url = known_database(database)
    study = resume_study(_chosen(name, url), url, datetime.now(UTC))
    raise typer.Exit(go_on(study.name, study.state, url, follow=follow))


def pause(name: StudyName = None, database: Database = None) -> None:
    """No new trials; those that run come to their end. Go on with `resume`."""
    from nago_orchestrator.services.studies import pause_study

    url = known_database(database)
    study = pause_study(_chosen(name, url), url, datetime.now(UTC))
    typer.echo(f"study {study.name} is paused; go on with: nago-orch resume {study.name}")


def cancel(
    name: StudyName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database: Database = None,
) -> None:
    """End a study for good; what it has found stays."""
    from nago_orchestrator.services.studies import cancel_study

    url = known_database(database)
    chosen = _chosen(name, url)
    if not yes and not sys.stdin.isatty():
        raise InputError(f"cancelling ends the study {chosen} for good: say --yes where nobody can be asked")
    if not yes:
        typer.confirm(f"End the study {chosen} for good?", abort=True)
    study = cancel_study(chosen, url, datetime.now(UTC))
    typer.echo(f"study {study.name} is cancelled")


def _chosen(name: str | None, url: str) -> str:
    if name is not None:
        return name
    with reading(url) as engine:
        return chosen_study(engine, None)
