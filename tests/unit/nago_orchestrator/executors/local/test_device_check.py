"""A device that is not there is told before any trial has failed for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nago_orchestrator.bootstrap import run_study
from nago_orchestrator.errors import InputError
from nago_orchestrator.executors.local.device_check import refuse_missing_device
from nago_orchestrator.services.studies import submit_study
from nago_orchestrator.store.store import open_store
from tests.studies import RECIPE, create, small_spec

MISSING = small_spec(execution="{parallelism: 1, device: 'cuda:99'}")
SENTENCE = "this machine has no device 'cuda:99': choose auto or cpu"


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_what_every_machine_has_starts_no_process(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("subprocess.run")  # a process would be an AttributeError
    refuse_missing_device(name)


@pytest.mark.slow
def test_neither_submit_nor_a_run_begins_a_trial(tmp_path: Path) -> None:
    url = str(tmp_path / "nago.sqlite")
    store = open_store(url)
    with pytest.raises(InputError, match=SENTENCE):
        submit_study(MISSING, url, datetime.now(UTC))
    assert store.studies() == ()
    study = create(store, MISSING, replace(RECIPE, device="cuda:99"))
    with pytest.raises(InputError, match=SENTENCE):
        run_study(study.name, url, on_event=lambda event: None)
    assert store.some_trials(study.id, ids=(), beyond=-1) == ()
