"""export-network: a trial's saved network as a file for programs without NAGO."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, TrialName, word_option
from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.reading import chosen_trial, known_database, reading
from nago_orchestrator.services.network_export import export_trial


class ExportFormat(StrEnum):
    ONNX = "onnx"
    PT2 = "pt2"
    SAFETENSORS = "safetensors"


def export_network(
    trial: TrialName,
    form: Annotated[
        ExportFormat,
        word_option(ExportFormat, "format", "--format", told="onnx; pt2 (torch.export); safetensors (weights only)."),
    ] = ExportFormat.ONNX,
    file: Annotated[
        Path | None, typer.Option("--output", "-O", metavar="FILE", help="Default: STUDY-TRIAL.FORMAT in this folder.")
    ] = None,
    with_preprocessing: Annotated[
        bool, typer.Option("--with-preprocessing", help="The file resizes and normalises images itself.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    database: Database = None,
) -> None:
    """Write a trial's saved network as a file for programs without NAGO: ONNX, torch.export or safetensors."""
    url = known_database(database)
    with reading(database) as engine:
        study, number = chosen_trial(engine, trial)
        target = file or Path(f"{study}-{number}.{form}")
        options = ["--format", str(form), "-O", str(target)]
        options += ["--with-preprocessing"] * with_preprocessing + ["--force"] * force
        say(export_trial(engine, url, study, number, options))
