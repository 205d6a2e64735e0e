"""A study to put things into, in a store on either database."""

from __future__ import annotations

import pytest

from nago_orchestrator.store.store import Store
from tests.store_scene import NEW_STUDY, NOW, Scene


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store, store.create_study(NEW_STUDY, NOW))
