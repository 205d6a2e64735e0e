"""Generators with final training, as the figure of the Pareto front shows them: one star each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import plotly.graph_objects as go

from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.evaluation.generator_results import trial_value
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.style import ACCENT, objective_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Star:
    generator: str
    epochs: int
    networks: int
    values: Mapping[str, float]
    """Of each objective the mean over its networks: what an evaluation of the search is, too."""


def longest_trained(trained: Sequence[FinalTraining], objectives: Sequence[Objective]) -> list[Star]:
    """Of those trained for most epochs, so that all can be compared; from rows with parent, epochs and trials."""
    found = [star for star in (_star(row, objectives) for row in trained) if star is not None]
    longest = max((star.epochs for star in found), default=0)
    return [star for star in found if star.epochs == longest]


def _star(row: FinalTraining, objectives: Sequence[Objective]) -> Star | None:
    """None where no network of the generator has a value of every objective."""
    known = [[trial_value(trial, item.name) for item in objectives] for trial in row.trials]
    finite = [[value for value in values if value is not None] for values in known if None not in values]
    if not finite:
        return None
    means = map(fmean, zip(*finite, strict=True))
    return Star(
        generator=row.generator,
        epochs=row.epochs,
        networks=len(finite),
        values=dict(zip((item.name for item in objectives), means, strict=True)),
    )


def star_points(stars: Sequence[Star], objectives: Sequence[Objective], other: Objective) -> list[go.Scatter]:
    """The first objective over the `other`; nothing of no stars."""
    if not stars:
        return []
    found = sorted(stars, key=lambda star: star.values[other.name])
    words = ["<br>".join(objective_words(item, star.values) for item in objectives) for star in found]
    networks = [counted(star.networks, "network") for star in found]
    return [
        go.Scatter(
            x=[star.values[other.name] for star in found],
            y=[star.values[objectives[0].name] for star in found],
            customdata=list(zip((star.generator for star in found), networks, words, strict=True)),
            mode="markers",
            name=f"final training, {counted(found[0].epochs, 'epoch')}",
            marker={"symbol": "star", "size": 13, "color": ACCENT, "line": {"color": "white", "width": 1}},
            hovertemplate="%{customdata[0]}, mean of %{customdata[1]} of the final training<br>"
            "%{customdata[2]}<extra></extra>",
        )
    ]
