"""report: a study as one HTML page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nago_orchestrator.cli.options import Database, StudyName
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.errors import InputError

if TYPE_CHECKING:  # sqlalchemy and plotly cost half a second
    from nago_orchestrator.report.study_report import StudyReport
    from nago_orchestrator.spec import StudySpec
    from nago_orchestrator.store.engine import OpenDatabase


def report(
    name: StudyName = None,
    file: Annotated[
        Path | None, typer.Option("--output", "-O", metavar="FILE.html", help="Default: STUDY.html; - prints the page.")
    ] = None,
    believe: Annotated[
        bool,
        typer.Option("--model/--no-model", help="Fit a surrogate, and show what it believes: some seconds (mobo)."),
    ] = True,
    database: Database = None,
) -> None:
    """Everything about a study as one HTML page that needs no network."""
    try:
        from nago_orchestrator.report.page import build_page
    except ImportError as error:
        raise InputError("a report needs plotly: pip install 'nago-orchestrator[report]'") from error

    with reading(database) as engine:
        study = chosen_study(engine, name)
        page = build_page(_collect(engine, study, datetime.now(UTC), believe=believe))
    if str(file) == "-":
        typer.echo(page, nl=False)
        return
    typer.echo(f"wrote {_write(file or Path(f'{study}.html'), page)}")


def _collect(engine: OpenDatabase, study: str, now: datetime, *, believe: bool) -> StudyReport:
    from nago_orchestrator.report.study_report import StudyReport
    from nago_orchestrator.services.surrogate_analysis import objectives_of
    from nago_orchestrator.spec import StudySpec
    from nago_orchestrator.spec.search import phases_of
    from nago_orchestrator.store import queries

    status = queries.study_status(engine, study)
    spec = StudySpec.from_canonical(status["spec"])
    space = spec.search_space()
    made = StudyReport(
        study={
            **status,
            "generator": space.generator,
            "searched": [dimension.name for dimension in space.dimensions],
        },
        objectives=objectives_of(status),
        trials=queries.list_trials(engine, study),
        epochs=queries.epochs(engine, study),
        evaluations=queries.evaluations(engine, study),
        attempts=queries.attempts(engine, study),
        made_at=now,
        drawing=_drawing(engine, study),
        phases=tuple(phase.algorithm for phase in phases_of(spec.search)),
        learnt=_learnt(spec),
        trained=queries.final_training(engine, study),
    )
    return _with_beliefs(made, spec) if believe else made


def _with_beliefs(made: StudyReport, spec: StudySpec) -> StudyReport:
    """At the fidelity that is compared, or where most is known if that is too little for a surrogate."""
    from nago_orchestrator.report.figures.hyperparameters import best_covered
    from nago_orchestrator.services.surrogate_analysis import evaluated_at, least_evaluations, study_beliefs

    rows = evaluated_at(made.search, made.fidelity)
    if made.search and len(rows) < least_evaluations(spec.search_space()):
        rows = evaluated_at(made.search, best_covered([row["fidelity"] for row in made.search]))
    beliefs, missing = study_beliefs(rows, made.objectives, spec)
    return replace(made, beliefs=beliefs, beliefs_missing=missing)


def _learnt(spec: StudySpec) -> tuple[str, ...]:
    """The objectives that the newest phase with a surrogate learns from evaluations, in the study's order."""
    from nago_orchestrator.evaluation.metrics import KNOWN_BEFORE_TRAINING
    from nago_orchestrator.spec.search import BatchSection, phases_of

    asked = [name for phase in phases_of(spec.search) if isinstance(phase, BatchSection) for name in phase.learn]
    known = set(KNOWN_BEFORE_TRAINING) - set(asked)
    return tuple(objective.name for objective in spec.objectives if objective.name not in known)


def _drawing(engine: OpenDatabase, study: str) -> str | None:
    """The architecture of the best evaluation's first trial, as SVG."""
    from nago_orchestrator.cli.output.picture import facts
    from nago_orchestrator.drawing import draw_svg
    from nago_orchestrator.store import found, queries
    from nago_trainer.architecture import Architecture

    best = found.incumbent(engine, study)
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
