"""sample: draw architectures of a theta and say what their networks would cost, without training anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output.architecture_drawing import drawn, write_picture
from nago_orchestrator.cli.output.tables import Column, print_rows
from nago_orchestrator.cli.reading import known_database
from nago_orchestrator.drawing.picture import Picture
from nago_orchestrator.drawing.sheet import arrange
from nago_orchestrator.errors import InputError
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.suggestions import suggestion
from nago_orchestrator.services.architecture_samples import describe, preset_setting, sample_all, study_setting
from nago_trainer.architecture import (
    Architecture,
)

MOST_ON_SHEET = 24
COLUMNS = (
    Column(key="seed", title="seed"),
    Column(key="cells", title="cells"),
    Column(key="stages", title="cells by stage"),
    Column(key="nodes", title="nodes", show=quantities.count),
    Column(key="width", title="width"),
    Column(key="parameters", title="parameters", show=quantities.count),
    Column(key="bytes_per_sample", title="memory", show=quantities.size),
    Column(key="flops", title="flops", show=quantities.count),
    Column(key="architecture_hash", title="architecture", show=lambda value: str(value)[:10]),
    Column(key="infeasible", title="infeasible", right=False),
)


def sample(  # noqa: PLR0913  # one argument for each option of the command
    theta: Annotated[
        list[str] | None,
        typer.Option("--theta", metavar="NAME=VALUE", help="Value of a hyperparameter; may be repeated."),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study", metavar="STUDY", help="Use the search space, images, parameter limit and memory of this study."
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", metavar="NAME", help="Use this preset of the search space; default: hnag.")
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="With --study: use the theta of its best generator so far.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="Seed of the first architecture; it increases by one for each further one."),
    ] = 0,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="Number of architectures.")] = 1,
    parameter_limit: Annotated[
        int | None, typer.Option("--parameter-limit", min=1, help="Default: the study's, otherwise 4,000,000.")
    ] = None,
    image_size: Annotated[
        int | None, typer.Option("--image-size", min=1, help="Pixels; default: the study's, otherwise 32.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option("--channels", min=1, help="Channels of the images; default: the study's, otherwise 3.")
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", min=2, help="Default: the study's, otherwise 10.")] = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", metavar="FILE", help="Draw the first architecture: FILE.svg or FILE.png.")
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Draw all architectures side by side: FILE.svg or FILE.png."),
    ] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Sample architectures from a theta: nodes, parameters, memory, and a drawing of the three levels.

    Hyperparameters without --theta take the middle of their range in the search space: the paper's, or that of
    --preset or --study.
    """
    if best and study is None:
        raise InputError("--best needs a study", do="add --study STUDY")
    if preset is not None and study is not None:
        raise InputError("--preset and --study both give a search space", do="give only one of them")
    setting = (
        preset_setting(preset or "hnag") if study is None else study_setting(study, known_database(database), best=best)
    )
    chosen: dict[str, Any] = {
        "parameter_limit": parameter_limit,
        "image_size": image_size,
        "channels": channels,
        "classes": classes,
    }
    setting = replace(setting, **{key: value for key, value in chosen.items() if value is not None})
    setting = replace(setting, theta={**setting.theta, **parse_theta(theta or (), setting.theta)})
    architectures = sample_all(setting, range(seed, seed + count))
    rows = [describe(architecture, number, setting) for number, architecture in enumerate(architectures, start=seed)]
    if draw is not None:
        write_picture(_picture(architectures[0], rows[0]), draw, "--draw")
    if sheet is not None:
        _sheet(architectures, rows, sheet)
    print_rows(rows, COLUMNS, output, empty="")


def parse_theta(texts: Sequence[str], known: Iterable[str]) -> dict[str, float | int]:
    """["top_k=4", "top_p=0.3"] as numbers. Raises InputError for another form or name; values are checked later."""
    return dict(_hyperparameter(text, tuple(known)) for text in texts)


def _hyperparameter(text: str, known: Sequence[str]) -> tuple[str, float | int]:
    name, _, value = (part.strip() for part in text.partition("="))
    try:
        number = int(value) if value.isdecimal() else float(value)
    except ValueError as error:
        raise InputError(f"--theta {text!r} is not NAME=NUMBER", do="write, for example, --theta top_k=4") from error
    if name not in known:
        raise InputError(f"--theta names an unknown hyperparameter '{name}'", do=suggestion(name, known))
    return name, number


def _picture(architecture: Architecture, told: Mapping[str, Any]) -> Picture:
    return drawn(
        architecture,
        f"architecture {told['architecture_hash'][:10]}, seed {told['seed']}",
        nodes=told["nodes"],
        parameters=told["parameters"],
        memory=told["bytes_per_sample"],
        width=told["width"],
    )


def _sheet(architectures: Sequence[Architecture], rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    if len(rows) > MOST_ON_SHEET:
        raise InputError(f"--sheet draws at most {MOST_ON_SHEET} architectures", do="lower --count")
    pictures = [_picture(architecture, row) for architecture, row in zip(architectures, rows, strict=True)]
    write_picture(arrange(pictures, title=f"{len(rows)} samples"), file, "--sheet")
