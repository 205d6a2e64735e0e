"""However many studies one process serves, they leave the server's connections to the trainers."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Engine, text

from nago_orchestrator import bootstrap
from nago_orchestrator.server.service import serve_studies
from nago_orchestrator.store.lock import TERMS
from nago_orchestrator.store.store import Store
from nago_orchestrator.store.trainer_rights import OWN_CONNECTIONS
from tests.simulated_executor import SimulatedExecutor
from tests.studies import create, small_spec
from tests.waiting import PATIENCE_SECONDS, until

OF_THIS_TEST = 2


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_many_studies_share_a_few_connections(
    store: Store, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies = [create(store, small_spec(name=f"study-{number}")) for number in range(12)]
    monkeypatch.setattr(bootstrap, "_executor", lambda *_: (SimulatedExecutor(looks_until_end=10**9), None))
    leave = threading.Event()
    options = {"host": "127.0.0.1", "port": 0, "leave": leave, "write": lambda line: None}
    serving = threading.Thread(target=serve_studies, args=(database_url, "local"), kwargs=options, daemon=True)
    serving.start()
    try:
        until(lambda: all(store.tally(study.id).live_attempts == 1 for study in studies))
        time.sleep(TERMS.renewal.total_seconds())  # every lease is renewed once
        with engine.connect() as connection:
            count = connection.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))
    finally:
        leave.set()
        serving.join(PATIENCE_SECONDS)
    assert count is not None
    assert count <= OWN_CONNECTIONS + OF_THIS_TEST
