"""The moves between states, and the few computations of the domain's values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from nago_orchestrator.domain.attempts import Attempt
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.states import STUDY_MOVES, TRIAL_MOVES, AttemptState, StudyState, TrialState
from nago_orchestrator.domain.trials import Trial

MOVES = [(StudyState, STUDY_MOVES), (TrialState, TRIAL_MOVES)]


@pytest.mark.parametrize(("states", "moves"), MOVES)
def test_every_state_has_its_moves_and_none_leads_to_itself(
    states: type[StrEnum], moves: Mapping[Any, frozenset[Any]]
) -> None:
    assert set(moves) == set(states)
    assert all(state not in targets for state, targets in moves.items())


@pytest.mark.parametrize(("states", "moves"), MOVES)
def test_every_state_can_be_reached_from_the_first(states: type[StrEnum], moves: Mapping[Any, frozenset[Any]]) -> None:
    reached = {next(iter(states))}
    for _ in states:
        reached |= {target for state in reached for target in moves[state]}
    assert reached == set(states)


def test_a_trial_leaves_no_final_state_and_every_other_one() -> None:
    assert {state for state, targets in TRIAL_MOVES.items() if not targets} == {
        state for state in TrialState if state.is_final
    }


def test_a_cancelled_study_stays_as_it_is_and_a_completed_one_can_only_train_what_it_found() -> None:
    assert STUDY_MOVES[StudyState.CANCELLED] == frozenset()
    assert STUDY_MOVES[StudyState.COMPLETED] == {StudyState.RUNNING}


@pytest.mark.parametrize(
    ("state", "final"),
    [
        (AttemptState.CREATED, False),
        (AttemptState.RUNNING, False),
        (AttemptState.SUCCEEDED, True),
        (AttemptState.FAILED, True),
        (AttemptState.CANCELLED, True),
    ],
)
def test_an_attempt_is_live_until_it_is_final(state: AttemptState, final: bool) -> None:
    attempt = _attempt(2, state)
    assert state.is_final is final
    assert _trial(_attempt(1, AttemptState.FAILED), attempt).live_attempt is (None if final else attempt)


def test_costs_are_minimised_whatever_the_goal() -> None:
    accuracy, loss = Objective(name="accuracy", goal=Goal.MAXIMIZE), Objective(name="loss", goal=Goal.MINIMIZE)
    assert accuracy.cost(0.9) < accuracy.cost(0.8)
    assert loss.cost(0.1) < loss.cost(float("inf"))


def _attempt(number: int, state: AttemptState) -> Attempt:
    return Attempt(
        id=number,
        number=number,
        name=f"a{number}",
        token=f"token-{number}",
        state=state,
        failure=None,
        reason=None,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        started_at=None,
        ended_at=None,
    )


def _trial(*attempts: Attempt) -> Trial:
    return Trial(
        id=1,
        number=0,
        proposal=0,
        state=TrialState.RUNNING,
        not_before=None,
        attempts=attempts,
        epochs=3,
        parameters=1000,
        result=None,
    )
