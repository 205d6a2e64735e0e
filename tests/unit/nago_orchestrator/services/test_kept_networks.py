"""Saved networks are listed with paths that can be opened, or with the place where they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nago_orchestrator.services.kept_networks import found_networks
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.store import Store, open_store
from nago_orchestrator.store.versions import open_engine
from tests.store_scene import ENDED, RESULT, Scene
from tests.studies import create, small_spec
from tests.trainer_scene import small_trial

IN_A_CLUSTER = "{where: kubernetes, kubernetes: {image: trainer, checkpoints: {claim: kept, mount_path: /mnt/kept}}}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


def _scene(store: Store, network: Path | None, execution: str = "{parallelism: 1}", executor: str = "local") -> Scene:
    """One trial that has succeeded, and saved `network`."""
    scene = Scene(store, create(store, small_spec(execution=execution)))
    scene.propose(small_trial(), fidelity=1)
    result = replace(RESULT, network=None if network is None else str(network))
    attempt = store.add_attempt(
        scene.trial_id(0),
        NewAttempt(name="small-t00000-a1", token="t", executor=executor, gpus=0),
        scene.study.created_at,
    )
    store.mark_running(attempt.id, node="saturn", uid="1", now=scene.study.created_at)
    store.accept_result(attempt.id, result, observation=ENDED, now=scene.study.created_at)
    return scene


def _found(url: str) -> list[tuple[str | None, str]]:
    engine = open_engine(url)
    try:
        return [(row.file, row.place) for row in found_networks(engine, url, "small")]
    finally:
        engine.dispose()


def test_a_file_of_this_machine_is_named_by_a_path_that_works_from_anywhere(store: Store, url: str) -> None:
    file = Path(url + ".runs") / "small" / "small-t00000-a1" / "network.pt"
    file.parent.mkdir(parents=True)
    file.touch()
    _scene(store, file)
    assert _found(url) == [(str(file), "here")]


def test_a_database_that_was_moved_with_its_attempts_still_leads_to_the_file(
    store: Store, url: str, tmp_path: Path
) -> None:
    file = Path(url + ".runs") / "small" / "small-t00000-a1" / "network.pt"
    file.parent.mkdir(parents=True)
    file.touch()
    _scene(store, file)
    store.close()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for place in tmp_path.glob("nago.sqlite*"):
        shutil.move(place, moved / place.name)
    (found,) = _found(str(moved / "nago.sqlite"))
    assert found == (str(moved / "nago.sqlite.runs" / "small" / "small-t00000-a1" / "network.pt"), "here")


def test_a_file_in_a_claim_is_named_by_claim_and_path(store: Store, url: str) -> None:
    _scene(store, Path("/mnt/kept/small/t00000/network.pt"), IN_A_CLUSTER, "kubernetes")
    assert _found(url) == [(None, "small/t00000/network.pt in the claim kept")]


def test_a_file_of_another_machine_is_said_to_be_there(store: Store, url: str) -> None:
    _scene(store, Path("/far/away/network.pt"))
    assert _found(url) == [(None, "/far/away/network.pt, which is not on this machine; it was saved on saturn")]


@pytest.mark.parametrize("text", ["/mnt/kept/" + 1000 * "x" + "/network.pt", "/\0/network.pt", "network.pt"])
def test_a_text_that_is_no_path_of_a_file_here_is_a_place_elsewhere(
    store: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """In a cluster a trial chooses it. One that is relative would be found in the folder of whoever asks."""
    (tmp_path / "network.pt").touch()
    monkeypatch.chdir(tmp_path)
    _scene(store, Path(text), IN_A_CLUSTER, "kubernetes")
    ((file, place),) = _found(url)
    assert file is None
    assert place.endswith("network.pt in the claim kept")


def test_what_was_not_saved_is_not_listed(store: Store, url: str) -> None:
    _scene(store, None)
    assert _found(url) == []
