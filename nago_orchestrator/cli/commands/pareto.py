"""pareto: the front of what a search has found, and the hypervolume that it dominates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.final_networks import print_trained
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, Row, print_rows, to_json
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.rows import GeneratorRow
from nago_orchestrator.evaluation.front import MeasuredFront, perfect
from nago_orchestrator.formatting import quantities
from nago_orchestrator.services.pareto_front import in_units, study_front
from nago_orchestrator.store import queries

COLUMNS = (
    *columns.FRONT,
    Column(key="again", title="evaluated again as", show=lambda numbers: ", ".join(map(str, numbers)), right=False),
)


def pareto(
    name: StudyName = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference",
            metavar="NAME=VALUE",
            help="Reference point of the hypervolume in one objective, in place of the study's; may be repeated.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, help="Fidelity of the front; default: the highest of the search's newest phase."
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """List the Pareto-optimal generators, and show their hypervolume."""
    with reading(database) as engine:
        study = chosen_study(engine, name)
        front = study_front(engine, study, reference or (), epochs)
        trained = queries.final_training(engine, study)
    rows, objectives, measured, empty = front.rows, front.objectives, front.measured, front.missing
    points = _points(study, rows, measured)
    if output is OutputFormat.JSON:
        say(to_json(_document(study, points, objectives, measured)))
        if empty:
            say(empty, err=True)
    elif output is OutputFormat.CSV:
        print_rows(points, columns.FRONT, output, empty=empty)
        if measured is not None:
            say(_sentence(objectives, measured), err=True)
    else:
        shown = [{**columns.objectives_apart(row), "again": row.proposals[1:] or None} for row in rows]
        print_rows(shown, columns.with_objectives(COLUMNS, rows), output, empty=empty)
        if measured is not None:
            say(f"\n{_sentence(objectives, measured)}")
        print_trained(trained)


def _points(study: str, rows: Sequence[GeneratorRow], measured: MeasuredFront | None) -> list[Row]:
    """With the hypervolume that each alone adds, where it was measured."""
    points = [columns.of_study(study, row) for row in rows]
    if measured is None:
        return points
    return [{**row, "contribution": share} for row, share in zip(points, measured.contributions, strict=True)]


def _document(
    study: str, points: Sequence[Row], objectives: Sequence[Objective], measured: MeasuredFront | None
) -> Row:
    """What JSON has: the front with its measure, whose keys are null without a point."""
    names = [item.name for item in objectives]
    return {
        "study": study,
        "fidelity": points[0]["fidelity"] if points else None,
        "hypervolume": measured and measured.hypervolume,
        "hypervolume_share": measured and measured.share,
        "reference": measured and dict(zip(names, in_units(objectives, measured.reference), strict=True)),
        "reference_given": measured and dict(zip(names, measured.given, strict=True)),
        "points": points,
    }


def _sentence(objectives: Sequence[Objective], measured: MeasuredFront) -> str:
    ends = zip(objectives, in_units(objectives, measured.reference), measured.given, strict=True)
    reference = ", ".join(
        f"{item.name} {quantities.objective(item.name, value)}" + ("" if given else " (default)")
        for item, value, given in ends
    )
    volume = f"hypervolume {quantities.number(measured.hypervolume)} with the reference point {reference}"
    if not measured.hypervolume:
        return f"{volume}; no point of the front is better than the reference point in every objective"
    if measured.share is None:
        return volume
    best = ", ".join(f"{item.name} {quantities.objective(item.name, perfect(item))}" for item in objectives)
    return f"{volume}: {quantities.percent(measured.share)} of the largest possible, up to {best}"
