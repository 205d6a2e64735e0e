"""Surveys of search spaces as a picture (SVG, PNG) or as a page around it."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.cli.output.space_tables import space_facts, space_tables
from nago_orchestrator.cli.output.tables import Column, Row
from nago_orchestrator.drawing.png import picture_to_png
from nago_orchestrator.drawing.svg import picture_to_svg
from nago_orchestrator.report.space_page import PagePart, PageTable, build_space_page
from nago_orchestrator.services.space_picture import Survey, compose_survey, title_of
from nago_orchestrator.services.space_survey import SpaceSurvey


def space_svg(surveys: Sequence[Survey]) -> str:
    return picture_to_svg(compose_survey(surveys))


def space_png(surveys: Sequence[Survey]) -> bytes:
    """Raises ImportError without Pillow."""
    return picture_to_png(compose_survey(surveys))


def space_page(surveys: Sequence[Survey]) -> str:
    """The picture with the figures of each space, as HTML."""
    return build_space_page(title_of(surveys), space_svg(surveys), [_part(name, survey) for name, survey in surveys])


def _part(name: str, survey: SpaceSurvey) -> PagePart:
    tables = [_table(rows, columns) for rows, columns in space_tables(survey)]
    return PagePart(title=name, facts=space_facts(name, survey)[1:], tables=tables)


def _table(rows: Sequence[Row], columns: Sequence[Column]) -> PageTable:
    return PageTable(
        header=tuple(column.title for column in columns),
        rows=tuple(tuple(column.text(row) for column in columns) for row in rows),
        right=tuple(column.right for column in columns),
    )
