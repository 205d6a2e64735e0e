"""All networks of one generator, on every database: what tells the spread of its networks."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.search.final_training import Chosen
from nago_orchestrator.services.final_training import train_best
from nago_orchestrator.spec import parse_study_spec
from nago_orchestrator.store import queries
from nago_orchestrator.store.found import incumbent
from nago_orchestrator.store.store import Store
from tests.simulated_executor import SimulatedExecutor
from tests.studies import SMALL_BOHB, Orchestrator, create

SEARCH = "search: {algorithm: random, proposals: 6}\narchitectures_per_proposal: 2"
SPEC = parse_study_spec(
    # Two values of one hyperparameter: every theta comes again.
    SMALL_BOHB.replace("{low: 3, high: 6}", "{low: 3, high: 4}")
    .replace("{low: 0.1, high: 0.9}", "0.5")
    .replace("search: {algorithm: bohb, iterations: 6}", SEARCH),
    "the test's study",
)


@pytest.mark.slow
def test_it_has_every_network_of_the_same_theta_but_those_trained_in_full(store: Store, engine: Engine) -> None:
    orchestrator = Orchestrator(store, create(store, SPEC), SimulatedExecutor())
    assert orchestrator.run() is StudyState.COMPLETED
    best = incumbent(engine, "small")
    assert best is not None
    chosen = [Chosen(proposal=best.proposal, theta=best.theta)]
    train_best(store, "small", chosen, networks=2, epochs=4, now=orchestrator.session().clock())
    assert orchestrator.run() is StudyState.COMPLETED
    same = [
        row.proposal
        for row in queries.evaluations(engine, "small")
        if not row.final_training and row.theta == best.theta
    ]
    assert len(same) > 1
    found = best.trials
    again = incumbent(engine, "small")
    assert again is not None
    assert again.trials == found
    assert best.proposals == tuple(same)
    assert sorted({row.proposal for row in found}) == sorted(same)
    assert len(found) == 2 * len(same)
    assert not any(row.final_training for row in found)
