"""Studies: created once, found by name, moved by compare-and-set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.states import STUDY_MOVES, StudyState
from nago_orchestrator.errors import NotFoundError, SpecError, StaleStateError
from nago_orchestrator.store.store import Store
from tests.databases import POSTGRESQL_IS_SLOW
from tests.store_scene import NEW_STUDY, NOW, Scene

pytestmark = POSTGRESQL_IS_SLOW


def test_a_study_comes_back_as_it_was_given(store: Store) -> None:
    created = store.create_study(NEW_STUDY, NOW)
    assert store.study(NEW_STUDY.name) == created
    assert store.studies() == (created,)
    assert created.state is StudyState.RUNNING
    assert created.created_at == created.changed_at == NOW
    for field in ("name", "spec", "spec_hash", "seed", "objectives", "recipe"):
        assert getattr(created, field) == getattr(NEW_STUDY, field)


def test_submitting_the_same_spec_again_gives_the_same_study(store: Store) -> None:
    first = store.create_study(NEW_STUDY, NOW)
    assert store.create_study(NEW_STUDY, NOW + timedelta(hours=1)) == first


def test_another_spec_under_the_same_name_is_refused(store: Store) -> None:
    first = store.create_study(NEW_STUDY, NOW)
    with pytest.raises(SpecError, match=r"'digits-demo' exists already.*choose another name"):
        store.create_study(replace(NEW_STUDY, spec_hash="c" * 64), NOW)
    assert store.studies() == (first,)


def test_a_study_has_at_most_four_objectives(store: Store) -> None:
    five = tuple(Objective(name=f"o{place}", goal=Goal.MINIMIZE) for place in range(5))
    with pytest.raises(SpecError, match="at most 4 objectives"):
        store.create_study(replace(NEW_STUDY, objectives=five), NOW)


@pytest.mark.parametrize(
    ("asked", "answer"), [("digits-dmo", "did you mean 'digits-demo'"), ("xyz", "`nago-orch list` shows all studies")]
)
def test_an_unknown_name_gets_the_nearest_ones(scene: Scene, asked: str, answer: str) -> None:
    with pytest.raises(NotFoundError, match=answer):
        scene.store.study(asked)


def test_an_empty_database_says_how_to_begin(store: Store) -> None:
    with pytest.raises(NotFoundError, match="nago-orch submit"):
        store.study("digits-demo")


@pytest.mark.parametrize("to", StudyState)
@pytest.mark.parametrize("start", StudyState)
def test_a_study_moves_only_where_the_domain_allows_it(scene: Scene, start: StudyState, to: StudyState) -> None:
    if start is not StudyState.RUNNING:
        scene.store.move_study(scene.study.id, start, message="why", now=NOW)
    before, later = scene.store.study(scene.study.name), NOW + timedelta(minutes=1)
    if to in STUDY_MOVES[start]:
        scene.store.move_study(scene.study.id, to, message=None, now=later)
        moved = replace(before, state=to, message=None, changed_at=later)
        assert scene.store.study(scene.study.name) == moved
    else:
        with pytest.raises(StaleStateError, match=f"is {start} and cannot become {to}"):
            scene.store.move_study(scene.study.id, to, message=None, now=later)
        assert scene.store.study(scene.study.name) == before


def test_moving_a_study_that_does_not_exist_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.move_study(99, StudyState.PAUSED, message=None, now=NOW)
