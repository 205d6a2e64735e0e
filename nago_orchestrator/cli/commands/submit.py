"""submit: store a study and run it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Follow, StudyFile
from nago_orchestrator.cli.output.dry_run import show_answers, show_plan
from nago_orchestrator.cli.output.following import go_on
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.domain.dataset import in_words
from nago_orchestrator.domain.findings import State
from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting.counts import learnt_from
from nago_orchestrator.paths import database_url
from nago_orchestrator.services.cluster import server_findings
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.services.study_plan import StudyPlan, study_plan
from nago_orchestrator.spec import load_study_spec

PROBLEM = 3


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
    server: Annotated[
        bool,
        typer.Option(
            "--server", help="With --dry-run: have the first Job checked by the API server, which does not keep it."
        ),
    ] = False,
    database: Database = None,
) -> None:
    """Start or resume the study in a study file.

    Ctrl-C lets running trials finish; a second Ctrl-C stops them at once. In both cases the same command resumes.
    """
    spec = load_study_spec(file)
    if local and spec.execution.where != "local":
        spec = spec.model_copy(update={"execution": spec.execution.model_copy(update={"where": "local"})})
    if server and not dry_run:
        raise InputError("--server is part of a dry run", do="add --dry-run")
    if dry_run:
        plan = study_plan(spec, datetime.now(UTC))
        show_plan(plan)
        return _show_answers(plan) if server else None
    url = database_url(database)
    study = submit_study(spec, url, datetime.now(UTC), on_doubt=lambda doubt: say(f"warning: {doubt}", err=True))
    if study.dataset is not None:
        say(f"images: {in_words(study.dataset)}")
    if study.prior:
        say(f"warm start: {learnt_from(len(study.prior), spec.warm_start)}")
    raise typer.Exit(go_on(study.name, study.state, url, follow=follow))


def _show_answers(plan: StudyPlan) -> None:
    findings = server_findings(plan.spec, plan.first)
    show_answers(findings)
    if any(finding.state is State.PROBLEM for finding in findings):
        raise typer.Exit(PROBLEM)
