"""Surveys of search spaces as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.drawing.picture import Picture
from nago_orchestrator.report.figures.space import QUANTITIES, SpaceSample, compose_spaces
from nago_orchestrator.services.space_survey import SpaceSurvey

Survey = tuple[str, SpaceSurvey]
"""Name and survey of a space."""


def compose_survey(surveys: Sequence[Survey]) -> Picture:
    samples = [SpaceSample(name=name, values=_values(survey)) for name, survey in surveys]
    sizings = {_sizing_words(survey) for _, survey in surveys}
    shared = f"{sizings.pop()}. " if len(sizings) == 1 else "Each space with its own images and parameter limit. "
    note = f"{shared}Histograms of the feasible samples, each row with its own scale; the dark line is the median."
    return compose_spaces(samples, title=title_of(surveys), note=note)


def title_of(surveys: Sequence[Survey]) -> str:
    names = " · ".join(name for name, _ in surveys)
    return f"{names}: {len(surveys[0][1].draws):,} samples{' each' if len(surveys) > 1 else ''}"


def _values(survey: SpaceSurvey) -> dict[str, list[int]]:
    return {item.key: [draw.value(item.key) for draw in survey.feasible] for item in QUANTITIES}


def _sizing_words(survey: SpaceSurvey) -> str:
    size, limit = survey.sizing.image.size, survey.sizing.parameter_limit
    return f"{size}×{size} images, at most {limit:,} parameters"
