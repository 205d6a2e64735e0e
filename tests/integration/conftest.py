"""A study to put things into, in a store on either database; a trial whose trainers report to PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.store import Store
from tests.conftest import PostgresDatabases
from tests.store_scene import NEW_STUDY, NOW, Scene
from tests.trainer_scene import CREATE_USER, TrainerScene, as_trainer


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store, store.create_study(NEW_STUDY, NOW))


@pytest.fixture
def postgres_engine(postgres: PostgresDatabases) -> Iterator[Engine]:
    opened = connect(postgres.without_rows())
    yield opened
    opened.dispose()


@pytest.fixture
def trainer(postgres_engine: Engine, postgres: PostgresDatabases, tmp_path: Path) -> TrainerScene:
    address = postgres_engine.url.render_as_string(hide_password=False)
    postgres.execute(CREATE_USER, address=address)
    return TrainerScene(Store(postgres_engine), as_trainer(address), tmp_path)
