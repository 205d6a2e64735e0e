"""submit: store a study and run it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Follow, StudyFile
from nago_orchestrator.cli.output.dry_run import show_plan
from nago_orchestrator.cli.output.following import go_on
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.domain.dataset import in_words
from nago_orchestrator.formatting.counts import learnt_from
from nago_orchestrator.paths import database_url
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.services.study_plan import study_plan
from nago_orchestrator.spec import load_study_spec


def submit(
    file: StudyFile,
    local: Annotated[
        bool,
        typer.Option(
            "--local", help="Run the trials on this machine, regardless of execution.where in the study file."
        ),
    ] = False,
    follow: Follow = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing: print an estimate of the cost, and the first Job or task.")
    ] = False,
    database: Database = None,
) -> None:
    """Start or resume the study in a study file.

    Ctrl-C lets running trials finish; a second Ctrl-C stops them at once. In both cases the same command resumes.
    """
    spec = load_study_spec(file)
    if local and spec.execution.where != "local":
        spec = spec.model_copy(update={"execution": spec.execution.model_copy(update={"where": "local"})})
    if dry_run:
        return show_plan(study_plan(spec, datetime.now(UTC)))
    url = database_url(database)
    study = submit_study(spec, url, datetime.now(UTC))
    if study.dataset is not None:
        say(f"images: {in_words(study.dataset)}")
    if study.prior:
        say(f"warm start: {learnt_from(len(study.prior), spec.warm_start)}")
    raise typer.Exit(go_on(study.name, study.state, url, follow=follow))
