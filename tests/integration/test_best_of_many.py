"""The best generator is found without reading every evaluation; it is the one that reading them all would find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from benchmarks.synthetic_study import STUDY_FILE, fill
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.evaluation.generator_results import best_generator, compared_fidelity, merge_generators
from nago_orchestrator.store import queries, schema
from nago_orchestrator.store.engine import writing
from nago_orchestrator.store.found import incumbent
from nago_orchestrator.store.store import Store
from tests.databases import POSTGRESQL_IS_SLOW

RANDOM = STUDY_FILE.replace("{algorithm: bohb, iterations: 100}", "{algorithm: random, proposals: 1000}").replace(
    "[3, 9, 27]", "[3]"
)
pytestmark = POSTGRESQL_IS_SLOW
EVALUATIONS = 60
"""More than are looked at first."""


def best_of_all(store: Store, name: str, evaluations: Sequence[EvaluationRow]) -> tuple[int, ...]:
    fidelity = compared_fidelity(evaluations)
    best = best_generator(merge_generators(evaluations, store.study(name).objectives, fidelity))
    assert best is not None
    return best.proposals


@pytest.mark.parametrize("thetas", [1, 8, EVALUATIONS])
@pytest.mark.parametrize("values", [2, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_it_is_the_best_of_all(store: Store, engine: Engine, database_url: str, thetas: int, values: int) -> None:
    """`thetas`: how many different ones; `values`: how many different costs, so that there are ties."""
    name = fill(database_url, EVALUATIONS, study_file=RANDOM, resumable=True)
    rng = np.random.default_rng(thetas * values)
    proposal, evaluation = schema.proposal, schema.evaluation
    with writing(engine) as connection:
        kinds = connection.scalars(select(proposal.c.canonical_theta).order_by(proposal.c.number).limit(thetas)).all()
        for number in range(EVALUATIONS):
            accuracy = float(rng.integers(values)) / values
            kind = kinds[int(rng.integers(thetas))]
            connection.execute(
                update(proposal).where(proposal.c.number == number).values(theta=kind, canonical_theta=kind)
            )
            told = {"cost_1": -accuracy, "objective_values": {"accuracy": accuracy, "memory": 1.0}, "cost_2": 1.0}
            connection.execute(update(evaluation).where(evaluation.c.number == number).values(**told))
    best = incumbent(engine, name)
    assert best is not None
    assert best.proposals == best_of_all(store, name, queries.evaluations(engine, name))
    assert {trial.proposal for trial in best.trials} == set(best.proposals)


@pytest.mark.parametrize("phases", [(0, 0), (0, 1), (1, 1)])
def test_it_is_of_the_newest_phase_with_a_value(
    store: Store, engine: Engine, database_url: str, phases: tuple[int, int]
) -> None:
    """With the phases of the search's first and second half, whose second one has no value at its highest fidelity."""
    name = fill(database_url, 78)
    proposal, evaluation = schema.proposal, schema.evaluation
    with writing(engine) as connection:
        for phase, half in zip(phases, (proposal.c.number < 39, proposal.c.number >= 39), strict=True):
            connection.execute(update(proposal).where(half).values(phase=phase))
        last = select(proposal.c.id).where(proposal.c.number >= 39, proposal.c.fidelity == 27)
        connection.execute(update(evaluation).where(evaluation.c.proposal_id.in_(last)).values(outcome="lost"))
        in_full = {**_row_of(connection, 0), "id": 1000, "number": 78, "fidelity": 81, "final_training": True}
        connection.execute(insert(proposal), in_full)
    best = incumbent(engine, name)
    assert best is not None
    assert best.fidelity == (9 if phases == (0, 1) else 27)
    assert best.proposals == best_of_all(store, name, queries.evaluations(engine, name))


def _row_of(connection: Connection, number: int) -> dict[str, Any]:
    proposal = schema.proposal
    columns = [column for column in proposal.c if column.computed is None]
    row = connection.execute(select(*columns).where(proposal.c.number == number)).one()
    return dict(row._mapping)
