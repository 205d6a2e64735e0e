"""A study whose images change stops, and says what has changed."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nago_orchestrator.bootstrap import run_study
from nago_orchestrator.control_loop.events import Event, EventKind
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.services.studies import resume_study, submit_study
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.store import open_store
from tests.studies import SMALL_BOHB

pytestmark = pytest.mark.slow
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    file = tmp_path / "nago.sqlite"
    for each in (file, tmp_path / "empty.sqlite"):
        each.write_bytes(sqlite_template.read_bytes())
    return str(file)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    draws = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(6):
            pixels = draws.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


def _spec(images: Path, further: str = "") -> StudySpec:
    text = SMALL_BOHB.replace("{name: digits}", f"{{name: folder, path: {images}, image_size: 8{further}}}")
    text = text.replace("{algorithm: bohb, iterations: 6}", "{algorithm: random, proposals: 3}")
    return parse_study_spec(text.replace("fidelities: [1, 2, 4]", "fidelities: [1]"), "its file")


def _run(url: str) -> tuple[StudyState, str | None]:
    state = run_study("small", url, on_event=lambda event: None)
    return state, open_store(url).study("small").message


def test_at_resume_changed_images_stop_the_study_and_the_same_ones_let_it_go_on(url: str, images: Path) -> None:
    study = submit_study(_spec(images), url, NOW)
    assert study.recipe.dataset.fingerprint is not None
    assert study.dataset is not None
    assert (study.dataset.images, study.dataset.training, study.dataset.steps_per_epoch) == (10, 8, 1)
    content = (images / "cat" / "0.png").read_bytes()
    (images / "cat" / "0.png").unlink()
    state, message = _run(url)
    assert state is StudyState.FAILED
    assert message is not None
    assert message.startswith("the images have changed since the study began: removed: cat/0.png (")
    assert message.endswith("): restore them and resume, or submit the study under another name")
    assert open_store(url).active_trials(study.id) == ()
    (images / "cat" / "0.png").write_bytes(content)
    for file in images.rglob("*.png"):
        os.utime(file)  # touched, and the same
    assert resume_study("small", url, NOW).state is StudyState.RUNNING
    assert _run(url)[0] is StudyState.COMPLETED


def test_images_that_change_between_two_trials_stop_the_study_and_count_against_no_trial(
    url: str, images: Path
) -> None:
    study = submit_study(_spec(images), url, NOW)

    def change(event: Event) -> None:
        if event.kind is EventKind.SUCCEEDED:
            (images / "dog").rename(images / "hound")

    state = run_study("small", url, on_event=change)
    store = open_store(url)
    message = store.study("small").message
    assert state is StudyState.FAILED
    assert message is not None
    assert "the class 'dog' was removed; the class 'hound' was added" in message
    (images / "hound").rename(images / "dog")
    resume_study("small", url, NOW)
    assert _run(url)[0] is StudyState.COMPLETED
    assert len(store.history(study.id)[1]) == 3


def test_storage_that_fails_for_a_moment_ends_no_study(url: str, images: Path) -> None:
    study = submit_study(_spec(images), url, NOW)
    failing = images / "cat" / "9.png"
    failing.symlink_to("/proc/self/mem")  # a file by all signs, and an input/output error
    troubles: list[str] = []

    def fail_twice(event: Event) -> None:
        """Before the first trial and after it: each time for one try."""
        if event.kind is EventKind.SUCCEEDED and event.trial == 0:
            failing.symlink_to("/proc/self/mem")
        if event.kind is EventKind.TROUBLE:
            troubles.append(event.message)
        if event.kind in (EventKind.TROUBLE, EventKind.RETRIED):
            failing.unlink(missing_ok=True)

    assert run_study("small", url, on_event=fail_twice) is StudyState.COMPLETED
    assert re.fullmatch(r"cannot read the images: Input/output error \(.*9\.png\); next try in 0\.5 s", troubles[0])
    assert len(open_store(url).history(study.id)[1]) == 3


def test_a_study_of_before_takes_its_fingerprint_when_it_is_run_again(url: str, images: Path) -> None:
    submit_study(_spec(images), url, NOW)
    with closing(sqlite3.connect(url)) as connection, connection:
        former = "json_remove(recipe, '$.dataset.fingerprint', '$.dataset.image_rules')"
        connection.execute(f"UPDATE study SET dataset = NULL, recipe = {former}")
    assert _run(url)[0] is StudyState.COMPLETED
    study = open_store(url).study("small")
    assert study.dataset is not None
    assert study.recipe.dataset.fingerprint is not None
    assert study.recipe.dataset.image_rules == 1


def test_prepared_images_that_are_damaged_cost_an_attempt_and_change_no_result(
    url: str, images: Path, tmp_path: Path
) -> None:
    submit_study(_spec(images), url, NOW)
    assert _run(url)[0] is StudyState.COMPLETED
    other = str(tmp_path / "empty.sqlite")
    submit_study(_spec(images, ", memory: 1"), other, NOW)

    def damage(event: Event) -> None:
        if event.kind is EventKind.SUCCEEDED and event.trial == 0:
            (pixels,) = (tmp_path / "data" / "nago" / "prepared").glob("*/pixels")
            pixels.write_bytes(bytes(byte ^ 1 for byte in pixels.read_bytes()))

    assert run_study("small", other, on_event=damage) is StudyState.COMPLETED
    losses = "SELECT validation_loss FROM result ORDER BY trial_id"
    assert _query(other, losses) == _query(url, losses)
    assert _query(other, "SELECT count(*) FROM attempt") == [(4,)]


def _query(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(url)) as database:
        return database.execute(statement).fetchall()
