"""space: what a search space holds, from draws that are sized but not trained."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.output.space_drawing import space_page, space_png, space_svg
from nago_orchestrator.cli.output.space_tables import print_spaces
from nago_orchestrator.cli.reading import chosen_study, known_database, reading
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.local.dataset_check import PUBLISHED
from nago_orchestrator.services.space_survey import Sizing, SpaceSurvey, survey_space
from nago_orchestrator.spec import StudySpec, load_study_spec
from nago_orchestrator.spec.space_section import preset_space
from nago_orchestrator.store.store import open_store
from nago_trainer.architecture import TensorShape, ThetaError

_STUDY_NAME = re.compile(r"[a-z0-9-]*[a-z0-9]")
_GUESSED_CHANNELS, _GUESSED_CLASSES = 3, 10


def space(  # noqa: PLR0913  # one argument for each option of the command
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STUDY",
            help="A study file, or a study of the database; give several to compare.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", metavar="NAME", help="A space that has a name; may be given again for others."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="Draws of each space.")] = 300,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    parameter_limit: Annotated[int | None, typer.Option("--parameter-limit", min=1, help="Else the study's.")] = None,
    image_size: Annotated[int | None, typer.Option("--image-size", min=1, help="Pixels; else the study's.")] = None,
    channels: Annotated[int | None, typer.Option("--channels", min=1, help="Else the study's.")] = None,
    classes: Annotated[int | None, typer.Option("--classes", min=2, help="Else the study's.")] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", "-O", metavar="FILE", help="Picture of memory and nodes: FILE.svg, .png or .html."),
    ] = None,
    output: Output = OutputFormat.TABLE,
    database: Database = None,
) -> None:
    """Describe a search space: ranges, duplicates, infeasible draws, and the spread of nodes, parameters and memory.

    Networks are drawn and sized, not trained. A preset stands for the paper's images: 32×32, 10 classes, 4,000,000
    parameters.
    """
    changes: dict[str, Any] = {
        "image_size": image_size, "channels": channels, "classes": classes, "parameter_limit": parameter_limit,
    }  # fmt: skip
    chosen = [_of_preset(name) for name in preset or ()]
    chosen += [_of_name(name, changes, database) for name in _studies(names, preset, database)]
    surveys = []
    for title, found, sizing in chosen:
        asked = _resized(sizing, changes)
        surveys.append((title, _survey(title, found, asked, count, seed)))
    if draw is not None:
        _picture(surveys, draw)
    print_spaces(surveys, output)


def _studies(names: Sequence[str] | None, preset: Sequence[str] | None, database: str | None) -> Sequence[str]:
    """The names given; where nothing at all is given, the only study of the database."""
    if names or preset:
        return names or ()

    with reading(database) as engine:
        return [chosen_study(engine, None)]


def _of_preset(name: str) -> tuple[str, SearchSpace, Sizing]:
    return name, preset_space(name), Sizing(image=TensorShape(3, 32), classes=10, parameter_limit=4_000_000)


def _of_name(name: str, changes: dict[str, Any], database: str | None) -> tuple[str, SearchSpace, Sizing]:
    """A study's name has no dot and no slash; everything else is a file."""
    if _STUDY_NAME.fullmatch(name):
        return _of_stored(name, database)

    spec = load_study_spec(name)
    return spec.name, spec.search_space(), _sizing_of(spec, changes)


def _of_stored(name: str, database: str | None) -> tuple[str, SearchSpace, Sizing]:
    study = open_store(known_database(database)).study(name)
    data, limit = study.recipe.dataset, study.recipe.parameter_limit
    sizing = Sizing(image=TensorShape(data.channels, data.image_size), classes=data.classes, parameter_limit=limit)
    return name, StudySpec.from_canonical(study.spec).search_space(), sizing


def _sizing_of(spec: StudySpec, changes: dict[str, Any]) -> Sizing:
    """Of a study file. No image is opened here: what only the images tell is assumed, and said to be."""
    data = spec.trainer.dataset
    published = PUBLISHED.get(data.name)
    channels = data.channels or (published.channels if published else None) or changes["channels"]
    classes = data.classes or (published.classes if published else None) or changes["classes"]
    if channels is None or classes is None:
        typer.echo(
            f"{spec.name}: the images are not opened here; 3 channels and 10 classes are assumed where --channels and "
            "--classes do not say otherwise",
            err=True,
        )
    return Sizing(
        image=TensorShape(channels or _GUESSED_CHANNELS, data.image_size),
        classes=classes or _GUESSED_CLASSES,
        parameter_limit=spec.trainer.parameter_limit,
    )


def _resized(sizing: Sizing, changes: dict[str, Any]) -> Sizing:
    image = TensorShape(changes["channels"] or sizing.image.channels, changes["image_size"] or sizing.image.size)
    return replace(
        sizing,
        image=image,
        classes=changes["classes"] or sizing.classes,
        parameter_limit=changes["parameter_limit"] or sizing.parameter_limit,
    )


def _survey(title: str, space: SearchSpace, sizing: Sizing, count: int, seed: int) -> SpaceSurvey:
    def show(done: int) -> None:
        """A line that is written over, on a terminal alone."""
        if sys.stderr.isatty():
            typer.echo(f"\r{title}: {done:,} of {count:,} drawn", err=True, nl=done == count)

    try:
        return survey_space(space, sizing, draws=count, seed=seed, on_progress=show)
    except ThetaError as error:
        raise InputError(f"a draw of {title} is no theta: {error}") from error


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
                raise InputError(f"--draw makes .svg, .png and .html files, not {file.name}")
    except OSError as error:
        raise InputError(f"the picture cannot be written to {file}: {error.strerror}") from error
    except ImportError as error:
        raise InputError("a PNG needs pillow", do="pip install pillow, or draw an .svg") from error
