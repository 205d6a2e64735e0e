"""The fits of a search's surrogate, as the notes of its proposals tell them: what `calibration` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.formatting.counts import counted

FEW_EFFECTIVE_SAMPLES = 10
MUCH_DISCARDED = 0.2
"""Of the draws."""
WIDE_COVERAGE_50 = 0.8
"""Of evaluations within the intervals that should hold half of them."""
FEWEST_FOR_COVERAGE = 10
"""Evaluations below which nothing is said of it."""
MOST_SPANS = 6
"""Of proposals without a model that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """One fit, as the notes of its batch's proposals tell it."""

    first_proposal: int
    evaluations: int
    fits: int
    objectives: Sequence[Mapping[str, Any]]

    @property
    def problems(self) -> list[str]:
        return [str(item["problem"]) for item in self.objectives if item.get("problem")]

    @property
    def is_held_out(self) -> bool:
        """Whether the coverage is of evaluations that the fit did not know."""
        return any(item.get("held_out") for item in self.objectives)

    def remarks(self, own: Mapping[str, Any]) -> list[str]:
        """About one objective: its problem, or else what makes the fit weaker than it looks."""
        if own.get("problem"):
            return [str(own["problem"])]
        found = []
        effective, discarded, covered = (own.get(key) for key in ("effective_samples", "overheated", "coverage_50"))
        if effective is not None and effective < FEW_EFFECTIVE_SAMPLES:
            found.append(f"small effective sample size: {effective:.0f}")
        if discarded is not None and discarded > MUCH_DISCARDED:
            found.append(f"{discarded:.0%} of the posterior samples discarded")
        if covered is not None and covered > WIDE_COVERAGE_50 and self.evaluations >= FEWEST_FOR_COVERAGE:
            found.append(f"wide intervals: the 50 % interval covers {covered:.0%}")
        return found


def fittings(evaluations: Sequence[EvaluationRow]) -> list[Fitting]:
    """By the first proposal of their batch; proposals of one batch carry the same notes."""
    found: list[Fitting] = []
    previous: object = None
    for row in _in_order(evaluations):
        notes = _notes(row).get("surrogate")
        if notes and notes != previous and "objectives" in notes:
            found.append(
                Fitting(
                    first_proposal=row.proposal,
                    evaluations=_notes(row).get("evaluations", 0),
                    fits=notes.get("fits", 1),
                    objectives=notes["objectives"],
                )
            )
        previous = notes
    return found


def origins(evaluations: Sequence[EvaluationRow]) -> str | None:
    """From which proposal on there was a model, and which were made without one, and why; None of other searches."""
    asked = [row for row in _in_order(evaluations) if {"surrogate", "design"} & _notes(row).keys()]
    if not asked:
        return None
    modelled = [row.proposal for row in asked if "design" not in _notes(row)]
    first = (
        f"Proposal {modelled[0]} is the first that a model made." if modelled else "No proposal was made by a model."
    )
    spans = [
        _span([row.proposal for row in group], str(why))
        for why, group in groupby(asked, key=lambda row: _notes(row).get("design"))
        if why
    ]
    more = [f"and {counted(len(spans) - MOST_SPANS, 'other group')}"] if len(spans) > MOST_SPANS else []
    return f"{first} Without a model: {', '.join([*spans[:MOST_SPANS], *more])}." if spans else first


def _span(proposals: Sequence[int], why: str) -> str:
    first, last = proposals[0], proposals[-1]
    numbers = f"{first}" if first == last else f"{first} to {last}"
    return f"{numbers} ({'initial design' if why == 'initial' else why})"


def _notes(row: EvaluationRow) -> Mapping[str, Any]:
    return row.notes or {}


def _in_order(evaluations: Sequence[EvaluationRow]) -> list[EvaluationRow]:
    return sorted(evaluations, key=lambda row: row.proposal)
