"""report: a study as one HTML page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.errors import InputError

if TYPE_CHECKING:  # sqlalchemy and plotly cost half a second
    from sqlalchemy import Engine

    from nago_orchestrator.report.study_report import StudyReport


def report(
    name: StudyName = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-O", metavar="FILE.html", help="Default: STUDY.html; - prints the page.")
    ] = None,
    database: Database = None,
) -> None:
    """Everything about a study as one HTML page that needs no network."""
    try:
        from nago_orchestrator.report.page import build_page
    except ImportError as error:
        raise InputError("a report needs plotly: pip install 'nago-orchestrator[report]'") from error

    with reading(database) as engine:
        study = chosen_study(engine, name)
        page = build_page(_collect(engine, study, datetime.now(UTC)))
    if str(file) == "-":
        typer.echo(page, nl=False)
        return
    typer.echo(f"wrote {_write(file or Path(f'{study}.html'), page)}")


def _collect(engine: Engine, study: str, now: datetime) -> StudyReport:
    from nago_orchestrator.domain import Goal, Objective
    from nago_orchestrator.report.study_report import StudyReport
    from nago_orchestrator.spec import StudySpec
    from nago_orchestrator.store import queries

    status = queries.study_status(engine, study)
    objectives = [Objective(**{**item, "goal": Goal(item["goal"])}) for item in status["objectives"]]
    space = StudySpec.from_canonical(status["spec"]).search_space()
    searched = [dimension.name for dimension in space.dimensions]
    return StudyReport(
        study={**status, "generator": space.generator, "searched": searched},
        objectives=tuple(objectives),
        trials=queries.list_trials(engine, study),
        epochs=queries.epochs(engine, study),
        evaluations=queries.evaluations(engine, study),
        attempts=queries.attempts(engine, study),
        made_at=now,
        drawing=_drawing(engine, study),
    )


def _drawing(engine: Engine, study: str) -> str | None:
    """The architecture of the best evaluation's first trial, as SVG."""
    from nago_orchestrator.cli.picture import facts
    from nago_orchestrator.store import queries
    from nago_trainer.architecture import Architecture
    from nago_trainer.architecture.drawing import draw_svg

    best = queries.incumbent(engine, study)
    if best is None or not best["trials"]:
        return None
    trial = queries.show_trial(engine, study, best["trials"][0]["trial"])
    return draw_svg(
        Architecture.from_json(trial["architecture"]), title=f"trial {study}/{trial['trial']}", notes=facts(trial)
    )


def _write(file: Path, page: str) -> Path:
    """Whole or not at all: a page that somebody has open is replaced in one step."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise InputError(f"the report cannot be written to {file}: {error.strerror}") from error
    return file
