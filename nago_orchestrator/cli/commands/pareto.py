"""pareto: the front of what a search has found, and the hypervolume that it dominates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from pydantic import ValidationError

from nago_orchestrator.cli.options import Database, Output, OutputFormat, StudyName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.final_networks import print_trained
from nago_orchestrator.cli.output.outlook import without_value
from nago_orchestrator.cli.output.tables import Column, Row, print_rows, to_json
from nago_orchestrator.cli.reading import chosen_study, reading
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import GeneratorRow
from nago_orchestrator.errors import InputError
from nago_orchestrator.evaluation.front import MeasuredFront, measure_front, perfect
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.formatting.suggestions import suggestion
from nago_orchestrator.spec.objectives import ObjectiveSection
from nago_orchestrator.store import found, queries
from nago_orchestrator.store.engine import OpenDatabase

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
            help="Worst value that counts in the hypervolume, instead of the study's; again for each objective.",
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="The front at this fidelity.")] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """The generators that no other one beats in every objective, and the hypervolume that they dominate."""
    with reading(database) as engine:
        study = chosen_study(engine, name)
        status = queries.study_status(engine, study)
        objectives = with_references(status.objectives, reference or ())
        _check_epochs(study, epochs, status.spec["fidelities"])
        rows, trained = found.pareto_front(engine, study, epochs), queries.final_training(engine, study)
        empty = "" if rows else f"the study {study} has {_missing(engine, study, epochs)}"
    measured = measure_front([row.costs for row in rows], objectives) if rows else None
    points = _points(study, rows, measured)
    if output is OutputFormat.JSON:
        typer.echo(to_json(_document(study, points, objectives, measured)))
        if empty:
            typer.echo(empty, err=True)
    elif output is OutputFormat.CSV:
        print_rows(points, columns.FRONT, output, empty=empty)
        if measured is not None:
            typer.echo(_sentence(objectives, measured), err=True)
    else:
        shown = [{**columns.objectives_apart(row), "again": row.proposals[1:] or None} for row in rows]
        print_rows(shown, columns.with_objectives(COLUMNS, rows), output, empty=empty)
        if measured is not None:
            typer.echo(f"\n{_sentence(objectives, measured)}")
        print_trained(trained)


def _points(study: str, rows: Sequence[GeneratorRow], measured: MeasuredFront | None) -> list[Row]:
    """With the hypervolume that each alone adds, where it was measured."""
    points = [columns.of_study(study, row) for row in rows]
    if measured is None:
        return points
    return [{**row, "contribution": share} for row, share in zip(points, measured.contributions, strict=True)]


def with_references(objectives: Sequence[Objective], texts: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives with the reference of ["error=0.2", "memory=60KiB"]; without texts as they are.

    Raises InputError for another form, name or value, and where one of several objectives is left without a reference.
    """
    if not texts:
        return tuple(objectives)
    names = [objective.name for objective in objectives]
    pairs = [_reference(text, names) for listed in texts for text in listed.split(",")]
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = next(name for name in given if [other for other, _ in pairs].count(name) > 1)
        raise InputError(f"--reference names {twice} twice: one worst value counts")
    changed = tuple(replace(item, reference=given.get(item.name, item.reference)) for item in objectives)
    missing = [item.name for item in changed if item.reference is None]
    if missing:
        raise InputError(
            f"--reference names no {' and no '.join(missing)}, and the study file has none: "
            "a hypervolume needs one for each objective"
        )
    return changed


def _reference(text: str, names: Sequence[str]) -> tuple[str, float]:
    name, _, value = (part.strip() for part in text.partition("="))
    if not value:
        raise InputError(f"--reference {text!r} is not NAME=VALUE, for example {names[0]}=0.2")
    if name not in names:
        raise InputError(f"--reference names '{name}', which is no objective of the study{suggestion(name, names)}")
    try:
        section = ObjectiveSection.model_validate({"name": name, "reference": _number(value)})
    except ValidationError as error:
        raise InputError(f"--reference {name} {error.errors()[0]['msg']}") from error
    return name, float(section.reference or 0.0)


def _number(text: str) -> float | str:
    """As a study file's reader gives it: a number, or a text such as 60KiB."""
    try:
        return float(text)
    except ValueError:
        return text


def _check_epochs(study: str, epochs: int | None, fidelities: Sequence[int]) -> None:
    if epochs is not None and epochs not in fidelities:
        known = ", ".join(map(str, fidelities))
        raise InputError(f"--epochs {epochs} is no fidelity of the study {study} (its fidelities: {known})")


def _missing(engine: OpenDatabase, study: str, epochs: int | None) -> str:
    if found.incumbent(engine, study) is None:
        return without_value(engine, study)
    at = f" after {counted(epochs, 'epoch')}" if epochs is not None else ""
    return f"no generator with a finite value of every objective{at}"


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
        "reference": measured and dict(zip(names, _values(objectives, measured.reference), strict=True)),
        "reference_given": measured and dict(zip(names, measured.given, strict=True)),
        "points": points,
    }


def _values(objectives: Sequence[Objective], costs: Sequence[float]) -> list[float]:
    return [-cost if item.goal is Goal.MAXIMIZE else cost for item, cost in zip(objectives, costs, strict=True)]


def _sentence(objectives: Sequence[Objective], measured: MeasuredFront) -> str:
    ends = zip(objectives, _values(objectives, measured.reference), measured.given, strict=True)
    reference = ", ".join(
        f"{item.name} {quantities.objective(item.name, value)}" + ("" if given else " (by default)")
        for item, value, given in ends
    )
    volume = f"hypervolume {quantities.number(measured.hypervolume)} from the reference {reference}"
    if not measured.hypervolume:
        return f"{volume}; no point of the front is better than it in every objective"
    if measured.share is None:
        return volume
    best = ", ".join(f"{item.name} {quantities.objective(item.name, perfect(item))}" for item in objectives)
    return f"{volume}: {quantities.percent(measured.share)} of the box from there to {best}"
