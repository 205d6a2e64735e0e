"""Several calls of the store as one transaction: all of it or nothing, and only of the thread that asked for it."""

from __future__ import annotations

import threading

import pytest

from nago_orchestrator.errors import StaleStateError
from tests.store_scene import Scene


def proposals(scene: Scene) -> list[int]:
    return [proposal.number for proposal in scene.store.history(scene.study.id)[0]]


def test_what_is_written_together_is_there_together(scene: Scene) -> None:
    with scene.store.together():
        scene.propose()
        scene.propose()
        seen_by_another: list[list[int]] = []
        other = threading.Thread(target=lambda: seen_by_another.append(proposals(scene)))
        other.start()
        other.join()
        assert proposals(scene) == [0, 1]
    assert seen_by_another == [[]]
    assert proposals(scene) == [0, 1]


def test_an_error_undoes_all_of_it(scene: Scene) -> None:
    scene.propose()

    def propose_two_of_which_one_is_there() -> None:
        with scene.store.together():
            scene.propose()
            scene.propose(number=0)

    with pytest.raises(StaleStateError):
        propose_two_of_which_one_is_there()
    assert proposals(scene) == [0]
    scene.propose(number=1)  # by a connection that is none the worse for it
    assert proposals(scene) == [0, 1]


def test_nothing_inside_is_nothing_asked_of_the_database(scene: Scene) -> None:
    scene.store.close()
    with scene.store.together():
        assert scene.store._engine.pool.checkedin() == 0  # type: ignore[attr-defined]  # both databases pool by a queue
        assert scene.store._engine.pool.checkedout() == 0  # type: ignore[attr-defined]
