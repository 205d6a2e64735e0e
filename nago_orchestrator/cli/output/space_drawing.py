"""Surveys of search spaces as a picture (SVG, PNG) or as a page around it."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.cli.output.space_tables import Survey, space_facts, space_tables
from nago_orchestrator.cli.output.tables import Column, Row
from nago_orchestrator.drawing.picture import Picture
from nago_orchestrator.drawing.png import picture_to_png
from nago_orchestrator.drawing.svg import picture_to_svg
from nago_orchestrator.report.figures.space import QUANTITIES, SpaceSample, compose_spaces
from nago_orchestrator.report.space_page import PagePart, PageTable, build_space_page
from nago_orchestrator.services.space_survey import SpaceSurvey


def space_svg(surveys: Sequence[Survey]) -> str:
    return picture_to_svg(_compose(surveys))


def space_png(surveys: Sequence[Survey]) -> bytes:
    """Raises ImportError without Pillow."""
    return picture_to_png(_compose(surveys))


def space_page(surveys: Sequence[Survey]) -> str:
    """The picture with the figures of each space, as HTML."""
    return build_space_page(_title(surveys), space_svg(surveys), [_part(name, survey) for name, survey in surveys])


def _compose(surveys: Sequence[Survey]) -> Picture:
    samples = [SpaceSample(name=name, values=_values(survey)) for name, survey in surveys]
    sizings = {_sizing_words(survey) for _, survey in surveys}
    shared = f"{sizings.pop()}. " if len(sizings) == 1 else "Each space with its own images and parameter limit. "
    note = f"{shared}A bar is the share of the feasible draws, each row to its own scale; the dark line is the median."
    return compose_spaces(samples, title=_title(surveys), note=note)


def _title(surveys: Sequence[Survey]) -> str:
    names = " · ".join(name for name, _ in surveys)
    return f"{names}: {len(surveys[0][1].draws):,} draws{' each' if len(surveys) > 1 else ''}"


def _values(survey: SpaceSurvey) -> dict[str, list[int]]:
    return {item.key: [draw.value(item.key) for draw in survey.feasible] for item in QUANTITIES}


def _sizing_words(survey: SpaceSurvey) -> str:
    size, limit = survey.sizing.image.size, survey.sizing.parameter_limit
    return f"{size}×{size} images, at most {limit:,} parameters"


def _part(name: str, survey: SpaceSurvey) -> PagePart:
    tables = [_table(rows, columns) for rows, columns in space_tables(survey)]
    return PagePart(title=name, facts=space_facts(name, survey)[1:], tables=tables)


def _table(rows: Sequence[Row], columns: Sequence[Column]) -> PageTable:
    return PageTable(
        header=tuple(column.title for column in columns),
        rows=tuple(tuple(column.text(row) for column in columns) for row in rows),
        right=tuple(column.right for column in columns),
    )
