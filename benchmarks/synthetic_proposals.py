"""Proposals with what they found, for `synthetic_study`: one after another, each told before the next one is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from nago_orchestrator.domain.proposals import Origin, Proposal
from nago_orchestrator.search.proposers.bohb.brackets import Brackets
from nago_orchestrator.spec import StudySpec

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PROMOTED_FROM = {9: 0, 10: 2, 11: 5, 12: 9}
"""Of thirteen proposals in a bracket nine are new, three continue at the second fidelity, one at the third."""
BRACKET = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One proposal with its one trial, before its rows."""

    proposal: Proposal
    curve: tuple[float, ...]
    memory: int
    begin: datetime

    @property
    def number(self) -> int:
        return self.proposal.number

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(seconds=0.5 * self.proposal.fidelity)

    @property
    def values(self) -> dict[str, float]:
        return {"accuracy": self.curve[-1], "memory": float(self.memory)}


def invented(spec: StudySpec, trials: int, rng: np.random.Generator) -> Iterator[Made]:
    """Of a bracket's shape, as if a model had proposed most of them."""
    bracket: list[Made] = []
    before: Made | None = None
    for number in range(trials):
        place = number % BRACKET
        if place == 0:
            bracket = []
        parent = bracket[PROMOTED_FROM[place]] if place in PROMOTED_FROM else None
        rung = (parent.proposal.rung or 0) + 1 if parent else 0
        drawn = Origin.RANDOM if number % 3 == 0 else Origin.MODEL
        proposal = Proposal(
            number=number,
            theta=parent.proposal.theta if parent else spec.search_space().sample(rng),
            fidelity=spec.fidelities[min(rung, len(spec.fidelities) - 1)],
            origin=drawn if parent is None else Origin.PROMOTION,
            bracket=number // BRACKET,
            rung=rung,
            slot=place,
            parent=parent.proposal.number if parent else None,
            evaluations_before=number,
        )
        before = _make(proposal, parent, before, rng)
        bracket.append(before)
        yield before


def of_brackets(spec: StudySpec, trials: int, rng: np.random.Generator) -> Iterator[Made]:
    """One after another, as the search's own proposer would have it, told the same results as the rows will say."""
    space, before = spec.search_space(), None
    brackets = Brackets(spec.fidelities, 100_000)
    newest: dict[tuple[int, int, int], int] = {}
    for number in range(trials):
        run = brackets.next_run(lambda _: space.searched(space.sample(rng)))
        if run is None:
            raise ValueError(f"there are {number} proposals only")
        parent = newest.get(run.key)
        proposal = Proposal(
            number=number,
            theta=space.theta(run.configuration),
            fidelity=run.fidelity,
            origin=Origin.RANDOM if parent is None else Origin.PROMOTION,
            bracket=run.key[0],
            rung=run.rung,
            slot=run.key[2],
            parent=parent,
            evaluations_before=number,
        )
        newest[run.key] = number
        before = _make(proposal, None, before, rng)
        yield before
        brackets.report(run, -before.curve[-1])


def drawn_at_random(spec: StudySpec, trials: int, rng: np.random.Generator) -> Iterator[Made]:
    """Those of a random search."""
    space, before = spec.search_space(), None
    for number in range(trials):
        proposal = Proposal(
            number=number,
            theta=space.sample(rng),
            fidelity=spec.fidelities[-1],
            origin=Origin.RANDOM,
            evaluations_before=number,
        )
        before = _make(proposal, None, before, rng)
        yield before


def _make(proposal: Proposal, parent: Made | None, before: Made | None, rng: np.random.Generator) -> Made:
    theta = proposal.theta
    quality = 0.93 + 0.05 * float(theta["bottom_p"]) - 0.03 * float(theta["top_p"]) + rng.normal(0, 0.008)
    curve = tuple(float(quality * (1 - 0.55 ** (epoch + 1))) for epoch in range(proposal.fidelity))
    memory = parent.memory if parent else int(rng.integers(40_000, 900_000))
    return Made(proposal=proposal, curve=curve, memory=memory, begin=before.end if before else START)
