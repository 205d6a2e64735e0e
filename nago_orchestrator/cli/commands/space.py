"""space: what a search space holds, from draws that are sized but not trained."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output.say import say, say_progress
from nago_orchestrator.cli.output.space_drawing import space_page, space_png, space_svg
from nago_orchestrator.cli.output.space_tables import print_spaces
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.errors import InputError
from nago_orchestrator.services.sized_space import (
    SizedSpace,
    SizingWish,
    named_space,
    preset_space_of,
    survey_sized_space,
)
from nago_orchestrator.services.space_survey import SpaceSurvey


def space(  # noqa: PLR0913  # one argument for each option of the command
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STUDY",
            help="A study file, or the name of a study in the database; several are compared.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", metavar="NAME", help="A preset of the search space; may be repeated."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="Samples of each space.")] = 300,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the samples.")] = 0,
    parameter_limit: Annotated[
        int | None, typer.Option("--parameter-limit", min=1, help="Default: the study's.")
    ] = None,
    image_size: Annotated[int | None, typer.Option("--image-size", min=1, help="Pixels; default: the study's.")] = None,
    channels: Annotated[int | None, typer.Option("--channels", min=1, help="Default: the study's.")] = None,
    classes: Annotated[int | None, typer.Option("--classes", min=2, help="Default: the study's.")] = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            "--draw",
            "-O",
            metavar="FILE",
            help="FILE.svg or FILE.png: distributions of memory and nodes; FILE.html: a page with all figures.",
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Survey a search space: ranges, duplicates, infeasible samples, and the distribution of nodes, parameters and
    memory.

    Networks are sampled and sized, not trained. A preset uses the paper's settings: images of 32×32 pixels, 10 classes,
    at most 4,000,000 parameters.
    """
    wish = SizingWish(image_size=image_size, channels=channels, classes=classes, parameter_limit=parameter_limit)
    chosen = [preset_space_of(name) for name in preset or ()]
    chosen += [named_space(name, wish, lambda: known_database(database)) for name in _studies(names, preset, database)]
    for item in chosen:
        if item.assumed is not None:
            say(f"{item.name}: {item.assumed}", err=True)
    surveys = [(item.name, _survey(item, wish, count, seed)) for item in chosen]
    if draw is not None:
        _picture(surveys, draw)
    print_spaces(surveys, output)


def _studies(names: Sequence[str] | None, preset: Sequence[str] | None, database: str | None) -> Sequence[str]:
    """The names given; where nothing at all is given, the only study of the database."""
    if names or preset:
        return names or ()

    with reading(database) as engine:
        return [chosen_study(engine, None)]


def _survey(item: SizedSpace, wish: SizingWish, count: int, seed: int) -> SpaceSurvey:
    def show(done: int) -> None:
        """A line that is written over, on a terminal alone."""
        if sys.stderr.isatty():
            say_progress(f"{item.name}: {done:,} of {count:,} sampled", last=done == count)

    return survey_sized_space(item, wish, draws=count, seed=seed, on_progress=show)


def _picture(surveys: Sequence[tuple[str, SpaceSurvey]], file: Path) -> None:
    try:
        match file.suffix.lower():
            case ".svg":
                file.write_text(space_svg(surveys), encoding="utf-8")
            case ".html":
                file.write_text(space_page(surveys), encoding="utf-8")
            case ".png":
                file.write_bytes(space_png(surveys))
            case _:
                raise InputError(
                    f"--draw cannot write a file of this type: {file.name}", do="name a .svg, .png or .html file"
                )
    except OSError as error:
        raise InputError(f"cannot write the drawing: {error.strerror}", where=file) from error
    except ImportError as error:
        raise InputError("a PNG file needs the package pillow", do="pip install pillow, or name a .svg file") from error
