"""show: one trial in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat, TrialName
from nago_orchestrator.cli.output import columns
from nago_orchestrator.cli.output.architecture_drawing import drawn, write_picture
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import (
    Column,
    Printable,
    Row,
    as_mapping,
    print_facts,
    print_rows,
    print_table,
    to_json,
    without,
)
from nago_orchestrator.cli.reading import chosen_trial, known_database, reading
from nago_orchestrator.domain.kept_networks import FoundNetwork
from nago_orchestrator.domain.rows import TrialDetails
from nago_orchestrator.drawing.picture import Picture
from nago_orchestrator.evaluation.class_tables import class_rows, confusion_rows, mistake_rows
from nago_orchestrator.services.kept_networks import found_networks
from nago_orchestrator.store import queries
from nago_trainer.architecture import Architecture
from nago_trainer.contract.class_details import ClassDetails

NO_DETAILS = "has no details: they are reported only for saved networks (train-best, trainer.keep_networks)"


class Details(StrEnum):
    CLASSES = "classes"
    CONFUSIONS = "confusions"
    MISCLASSIFIED = "misclassified"


_TABLES: Mapping[Details, tuple[Callable[[ClassDetails], Sequence[Printable]], Sequence[Column]]] = {
    Details.CLASSES: (class_rows, columns.CLASSES),
    Details.CONFUSIONS: (confusion_rows, columns.CONFUSIONS),
    Details.MISCLASSIFIED: (mistake_rows, columns.MISTAKES),
}


def show(
    trial: TrialName,
    details: Annotated[
        Details | None,
        typer.Option("--details", help="Of a saved network: its classes, confusions or misclassified files."),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE", help="Draw the network's three levels: FILE.svg or FILE.png."),
    ] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Show one trial with its theta, attempts and epochs; JSON also has the architecture."""
    url = known_database(database)
    with reading(database) as engine:
        study, number = chosen_trial(engine, trial)
        row = queries.show_trial(engine, study, number)
        network = next(iter(found_networks(engine, url, study, [number])), None)
    if figure is not None:
        write_picture(_picture(row), figure, "--figure")
    if details is not None:
        rows, shown = _TABLES[details]
        print_rows(
            [] if row.details is None else rows(row.details), shown, output, empty=f"trial {number} {NO_DETAILS}"
        )
    elif output is OutputFormat.JSON:
        say(to_json({**as_mapping(row), **_keys(network)}))
    elif output is OutputFormat.CSV:
        large = ("architecture", "canonical_theta", "attempt_rows", "epoch_rows", "details")
        print_rows([{**without(row, *large), **_keys(network)}], (), output, empty="")
    else:
        _print_trial(row, network)


def _picture(row: TrialDetails) -> Picture:
    return drawn(
        Architecture.from_json(dict(row.architecture)),
        f"trial {row.study}/{row.trial}",
        nodes=row.nodes,
        parameters=row.parameters,
        memory=row.bytes_per_sample,
        width=row.width,
    )


def _keys(network: FoundNetwork | None) -> Row:
    return {"network": network and network.network, "network_file": network and network.file}


def _print_trial(row: TrialDetails, network: FoundNetwork | None) -> None:
    saved = [] if network is None else [("network", network.file or network.place)]
    print_facts([*columns.facts(row, columns.TRIAL_FACTS), *saved])
    theta = [{"name": name, "value": value} for name, value in row.theta.items()]
    tables: tuple[tuple[str, Sequence[Printable], Sequence[Column]], ...] = (
        ("theta", theta, columns.THETA),
        ("attempts", row.attempt_rows, columns.ATTEMPTS),
        ("epochs", row.epoch_rows, columns.EPOCHS),
    )
    for title, rows, shown in tables:
        say(f"\n{title}" if rows else f"\n{title}: none")
        if rows:
            print_table(rows, shown)
