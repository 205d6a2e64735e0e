"""A stored study is made again from its seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from nago_orchestrator.services.reproduction import reproduce
from nago_orchestrator.store.store import open_store
from nago_orchestrator.store.versions import open_engine
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, create, small_spec


@pytest.fixture
def url(tmp_path: Path) -> str:
    """One study of three proposals, that has ended."""
    url = str(tmp_path / "nago.sqlite")
    store = open_store(url)
    study = create(store, small_spec(search="{algorithm: random, proposals: 3}"))
    Orchestrator(store, study, SimulatedExecutor()).run()
    store.close()
    return url


@pytest.mark.parametrize(("proposals_only", "steps"), [(False, [3, 3]), (True, [3])])
def test_a_study_that_nobody_touched_is_reproduced(url: str, proposals_only: bool, steps: list[int]) -> None:
    compared: list[int] = []

    def last(done: int, count: int) -> None:
        if done == count:
            compared.append(done)

    found = reproduce("small", url, proposals_only=proposals_only, on_proposal=last, on_trial=last)
    assert found.differences == ()
    assert found.compared_trials is not proposals_only
    assert compared == steps


def test_trials_are_not_compared_where_a_proposal_differs(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE proposal SET fidelity = 1 WHERE number = 1"))
    engine.dispose()
    found = reproduce("small", url, proposals_only=False, on_proposal=lambda *_: None, on_trial=lambda *_: None)
    assert found.differences
    assert not found.compared_trials
