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
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.evaluation.front import MeasuredFront, perfect
from nago_orchestrator.formatting import quantities
from nago_orchestrator.services.kept_networks import final_places
from nago_orchestrator.services.pareto_front import StudyFront, study_front
from nago_orchestrator.store import final_training

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
        trained = final_training.generators(engine, study)
        places = final_places(engine, known_database(database), study, trained)
    rows, measured, empty = front.rows, front.measured, front.missing
    points = _points(study, front)
    if output is OutputFormat.JSON:
        say(to_json(_document(study, points, front)))
        if empty:
            say(empty, err=True)
    elif output is OutputFormat.CSV:
        print_rows(points, columns.FRONT, output, empty=empty)
        if measured is not None:
            say(_sentence(front, measured), err=True)
    else:
        shown = [{**columns.objectives_apart(row), "again": row.proposals[1:] or None} for row in rows]
        print_rows(shown, columns.with_objectives(COLUMNS, rows), output, empty=empty)
        if measured is not None:
            say(f"\n{_sentence(front, measured)}")
        print_trained(trained, places)


def _points(study: str, front: StudyFront) -> list[Row]:
    """With the hypervolume that each alone adds, where it was measured."""
    return [
        columns.of_study(study, row) if share is None else {**columns.of_study(study, row), "contribution": share}
        for row, share in zip(front.rows, front.contributions, strict=True)
    ]


def _document(study: str, points: Sequence[Row], front: StudyFront) -> Row:
    """What JSON has: the front with its measure, whose keys are null without a point."""
    measured = front.measured
    return {
        "study": study,
        "fidelity": front.fidelity,
        "hypervolume": measured and measured.hypervolume,
        "hypervolume_share": measured and measured.share,
        "reference": measured and {item.objective.name: item.value for item in front.reference},
        "reference_given": measured and {item.objective.name: item.given for item in front.reference},
        "points": points,
    }


def _sentence(front: StudyFront, measured: MeasuredFront) -> str:
    reference = ", ".join(
        f"{end.objective.name} {quantities.objective(end.objective.name, end.value)}"
        + ("" if end.given else " (default)")
        for end in front.reference
    )
    volume = f"hypervolume {quantities.number(measured.hypervolume)} with the reference point {reference}"
    if not measured.hypervolume:
        return f"{volume}; no point of the front is better than the reference point in every objective"
    if measured.share is None:
        return volume
    best = ", ".join(f"{item.name} {quantities.objective(item.name, perfect(item))}" for item in front.objectives)
    return f"{volume}: {quantities.percent(measured.share)} of the largest possible, up to {best}"
