"""The views in plain SQL and the queries on them, on both databases."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, text

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import StudyRow
from nago_orchestrator.domain.states import Failure, StudyState, TrialState
from nago_orchestrator.errors import NotFoundError
from nago_orchestrator.store import final_training, found, queries
from nago_orchestrator.store.engine import writing
from nago_orchestrator.store.schema import evaluation, proposal, trial
from tests.store_scene import DETAILS, ENDED, EPOCH, NEW_STUDY, NEW_TRIAL, NOW, RESULT, Scene

NAME = NEW_STUDY.name
INFEASIBLE = replace(NEW_TRIAL, width=None, flops=None, bytes_per_sample=None, infeasible="The limit is too small.")


@pytest.fixture
def lively(scene: Scene) -> Scene:
    """Trials 0 to 4: succeeded on the second attempt, failed, infeasible from the start, running, queued."""
    for trials in ((NEW_TRIAL,), (NEW_TRIAL,), (INFEASIBLE,), (NEW_TRIAL,), (NEW_TRIAL,)):
        scene.propose(*trials)
    lost = scene.attempt(0, gpus=2)
    later = NOW + timedelta(seconds=4)
    scene.fail(lost, Failure.INFRASTRUCTURE, TrialState.QUEUED, now=later, reason="NodeLost", message="Gone.")
    scene.succeed(0, gpus=2, seconds=10.0)
    scene.fail(scene.attempt(1), Failure.DEFECT, TrialState.FAILED, now=later, reason="ExitCode70", message="A bug.")
    running = scene.attempt(3)
    scene.store.record_epochs(running.id, [EPOCH, replace(EPOCH, epoch=2, validation_loss=math.nan)], NOW)
    scene.evaluate(0, -0.9, 100.0)
    scene.evaluate(2, outcome=Outcome.INFEASIBLE)
    return scene


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        (DETAILS.to_json(), True),
        ({**DETAILS.to_json(), "images": [10**30, 1]}, False),
        ({**DETAILS.to_json(), "images": int("9" * 4000)}, False),
        ("9" * 5000, False),
        ("[" * 3000 + "]" * 3000, False),
    ],
    ids=["valid", "size", "number", "digits", "depth"],
)
def test_details_of_another_form_count_as_none(lively: Scene, engine: Engine, stored: object, known: bool) -> None:
    """A trainer may have stored them itself."""
    told = stored if isinstance(stored, str) else json.dumps(stored)
    with writing(engine) as connection:
        told_as = "CAST(:told AS json)" if engine.name == "postgresql" else ":told"
        connection.execute(text(f"UPDATE result SET details = {told_as}"), {"told": told})
    assert queries.class_details(engine, NAME, [0, 1]) == ({0: DETAILS} if known else {})
    assert queries.show_trial(engine, NAME, 0).details == (DETAILS if known else None)


def test_the_overview_tells_each_trial_in_one_row(lively: Scene, engine: Engine) -> None:
    rows = queries.list_trials(engine, NAME)
    told = ("trial", "state", "epochs_done", "attempts", "last_failure", "last_reason", "last_message", "seconds")
    assert [tuple(getattr(row, key) for key in told) for row in rows] == [
        (0, "succeeded", 3, 2, "infrastructure", "NodeLost", "Gone.", 14.0),
        (1, "failed", 0, 1, "defect", "ExitCode70", "A bug.", 4.0),
        (2, "infeasible", 0, 0, "infeasible", None, "The limit is too small.", 0.0),
        (3, "running", 2, 1, None, None, None, 0.0),
        (4, "queued", 0, 0, None, None, None, 0.0),
    ]
    first = rows[0]
    assert (first.validation_accuracy, first.diverged, first.gpu_seconds) == (0.9, False, 28.0)
    assert (first.created_at, first.ended_at) == (NOW, NOW + timedelta(seconds=10))
    assert rows[3].validation_accuracy is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"limit": 2}, [3, 4]),
        ({"limit": 0}, []),
        ({"state": "running"}, [3]),
        ({"state": "cancelled"}, []),
        ({"state": "queued", "limit": 5}, [4]),
    ],
)
def test_trials_can_be_filtered(lively: Scene, engine: Engine, filters: dict[str, Any], expected: list[int]) -> None:
    assert [row.trial for row in queries.list_trials(engine, NAME, **filters)] == expected


def test_the_ledger_adds_up_to_the_tally(lively: Scene, engine: Engine) -> None:
    ledger = {row.outcome: row for row in queries.gpu_ledger(engine, NAME)}
    assert {outcome: row.attempts for outcome, row in ledger.items()} == {
        "succeeded": 1,
        "infrastructure": 1,
        "defect": 1,
        "running": 1,
    }
    assert (ledger["succeeded"].gpu_seconds, ledger["infrastructure"].gpu_seconds) == (20.0, 8.0)
    tally = lively.store.tally(lively.study.id)
    assert sum(row.seconds for row in ledger.values()) == tally.seconds
    assert sum(row.attempts for row in ledger.values()) == tally.attempts


def test_the_status_counts_and_names_what_runs(lively: Scene, engine: Engine) -> None:
    with lively.store.hold(lively.study.id, "pid 1"):
        status = queries.study_status(engine, NAME)
    assert status.holder == "pid 1"
    assert status.trial_states == {
        "queued": 1,
        "running": 1,
        "succeeded": 1,
        "failed": 1,
        "infeasible": 1,
        "cancelled": 0,
    }
    assert status.failures[Failure.DEFECT] == 1
    assert [row.trial for row in status.running] == [3]
    assert status.objectives[1] == Objective(name="memory", goal=Goal.MINIMIZE, reference=1e9)
    (listed,) = queries.list_studies(engine)
    assert listed == StudyRow(**{field.name: getattr(status, field.name) for field in fields(StudyRow)})
    assert (listed.trials, listed.finished, listed.proposals, listed.evaluations) == (5, 3, 5, 2)


def test_a_trial_shows_its_attempts_and_epochs(lively: Scene, engine: Engine) -> None:
    shown = queries.show_trial(engine, NAME, 3)
    assert shown.architecture == NEW_TRIAL.architecture
    assert list(shown.theta) == ["top_nodes", "top_p"]
    assert [row.state for row in shown.attempt_rows] == ["running"]
    assert [row.epoch for row in shown.epoch_rows] == [1, 2]
    assert math.isnan(shown.epoch_rows[1].validation_loss)
    assert len(queries.epochs(engine, NAME)) == 2
    assert [row.attempt for row in queries.show_trial(engine, NAME, 0).attempt_rows] == [1, 2]
    with pytest.raises(NotFoundError, match="no trial 99"):
        queries.show_trial(engine, NAME, 99)


def test_evaluations_come_in_told_order(lively: Scene, engine: Engine) -> None:
    rows = queries.evaluations(engine, NAME)
    assert [(row.evaluation, row.proposal, row.outcome) for row in rows] == [
        (0, 0, "ok"),
        (1, 2, "infeasible"),
    ]
    assert rows[0].objective_values == {"accuracy": 0.9, "memory": 100.0}
    assert [row.trial for row in queries.attempts(engine, NAME)] == [0, 0, 1, 3]


@pytest.mark.parametrize(
    "query",
    [
        queries.study_status,
        queries.list_trials,
        found.incumbent,
        found.pareto_front,
        queries.holder,
        final_training.counts,
        queries.gpu_ledger,
        queries.epochs,
        queries.evaluations,
        queries.attempts,
    ],
)
def test_every_query_knows_what_is_not_there(scene: Scene, engine: Engine, query: Any) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'digits-demo'"):
        query(engine, "digits-dem")
    assert not query(engine, NAME) or query is queries.study_status


def test_the_incumbent_is_the_first_of_the_best_at_the_highest_fidelity(scene: Scene, engine: Engine) -> None:
    for fidelity, *costs in ((3, -0.99, 1.0), (9, -0.8, 5.0), (9, -0.9, 1.0), (9, -0.9, 1.0), (9, math.nan, 1.0)):
        scene.evaluate(scene.propose(fidelity=int(fidelity)), *costs)
    scene.evaluate(scene.propose(fidelity=27), outcome=Outcome.LOST)
    best = found.incumbent(engine, NAME)
    assert best is not None
    assert (best.proposal, best.fidelity, best.cost_1) == (2, 9, -0.9)
    assert [row.proposal for row in best.trials] == [2]


def test_of_equals_the_incumbent_is_the_one_that_no_other_dominates(scene: Scene, engine: Engine) -> None:
    for costs in ((-0.9, 9.0), (-0.9, 1.0), (-0.9, 1.0), (-0.8, 0.5)):
        scene.evaluate(scene.propose(), *costs)
    best = found.incumbent(engine, NAME)
    assert best is not None
    assert best.proposal == 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT proposal FROM incumbent")).scalar_one() == 1


def test_a_generator_that_was_evaluated_again_counts_once_with_the_mean_of_its_networks(
    scene: Scene, engine: Engine
) -> None:
    for generator, samples, *costs in ((7, 1, -0.9, 4.0), (8, 1, -0.8, 3.0), (7, 3, -0.5, 4.0), (9, 1, -0.1, 9.0)):
        trials = tuple(replace(NEW_TRIAL, replicate=replicate) for replicate in range(int(samples)))
        scene.evaluate(scene.propose(*trials, generator=int(generator)), *costs, samples=int(samples))
    best = found.incumbent(engine, NAME)
    assert best is not None
    assert (best.proposal, best.cost_1) == (1, -0.8)
    (row,) = found.pareto_front(engine, NAME)
    assert (row.proposal, row.proposals) == (1, (1,))
    scene.evaluate(scene.propose(generator=8), -0.1, 3.0)
    best = found.incumbent(engine, NAME)
    assert best is not None
    assert (best.proposal, best.proposals, best.samples) == (0, (0, 2), 4)
    assert best.cost_1 == -best.objective_values["accuracy"] == pytest.approx(-0.6)
    assert [row.proposal for row in best.trials] == [0, 2, 2, 2]
    assert [row.proposal for row in found.pareto_front(engine, NAME)] == [0, 1]


def test_the_front_can_be_that_of_another_fidelity(scene: Scene, engine: Engine) -> None:
    for fidelity, *costs in ((3, -0.5, 1.0), (3, -0.6, 1.0), (9, -0.1, 2.0)):
        scene.evaluate(scene.propose(fidelity=int(fidelity)), *costs)
    assert [row.proposal for row in found.pareto_front(engine, NAME)] == [2]
    assert [row.proposal for row in found.pareto_front(engine, NAME, 3)] == [1]
    assert found.pareto_front(engine, NAME, 27) == []


def test_a_diverged_evaluation_is_better_than_none(scene: Scene, engine: Engine) -> None:
    scene.evaluate(scene.propose(), math.inf, 1.0)
    best = found.incumbent(engine, NAME)
    assert best is not None
    assert best.cost_1 == -best.objective_values["accuracy"] == math.inf


def test_studies_do_not_see_each_other(lively: Scene, engine: Engine) -> None:
    other = Scene(lively.store, lively.store.create_study(replace(NEW_STUDY, name="other"), NOW))
    other.evaluate(other.propose(fidelity=81), -1.0, 0.0)
    other.store.move_study(other.study.id, StudyState.COMPLETED, message="done", now=NOW)
    best = found.incumbent(engine, NAME)
    assert best is not None
    assert best.fidelity == 3
    assert [row.cost_1 for row in found.pareto_front(engine, NAME)] == [-0.9]
    assert queries.gpu_ledger(engine, "other") == []
    assert [row.trials for row in queries.list_studies(engine)] == [5, 1]


_COST = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 2.0, math.inf, -math.inf])


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(1, 4), data=st.data())
def test_the_front_is_what_no_other_point_dominates(
    scene: Scene, engine: Engine, width: int, data: st.DataObject
) -> None:
    points = data.draw(st.lists(st.tuples(*[_COST] * width), max_size=12))
    with writing(engine) as connection:
        for table in (evaluation, trial, proposal):
            connection.execute(delete(table))
    fresh = Scene(scene.store, scene.study)
    for point in points:
        fresh.evaluate(fresh.propose(), *point)

    def dominated(point: tuple[float, ...]) -> bool:
        return any(other != point and all(a <= b for a, b in zip(other, point, strict=True)) for other in points)

    expected = sorted(number for number, point in enumerate(points) if not dominated(point))
    with engine.connect() as connection:
        shown = connection.execute(text("SELECT evaluation FROM pareto_front ORDER BY evaluation")).scalars().all()
    assert shown == expected


def test_the_fronts_of_command_and_view_agree_where_everything_is_finite(scene: Scene, engine: Engine) -> None:
    for costs in ((-0.9, 5.0), (-0.8, 5.0), (-0.8, 4.0), (-0.9, 5.0), (-0.7, 4.5), (-0.1, math.inf)):
        scene.evaluate(scene.propose(), *costs)
    with engine.connect() as connection:
        shown = connection.execute(text("SELECT proposal FROM pareto_front ORDER BY cost_1, proposal")).scalars().all()
    assert [row.proposal for row in found.pareto_front(engine, NAME)] == shown == [0, 3, 2]


def test_the_front_stands_at_the_highest_fidelity_with_values(scene: Scene, engine: Engine) -> None:
    scene.evaluate(scene.propose(fidelity=3), -0.99, 1.0)
    scene.evaluate(scene.propose(fidelity=9), -0.5, 2.0)
    scene.evaluate(scene.propose(fidelity=9), -0.6, 3.0)
    scene.evaluate(scene.propose(fidelity=27), outcome=Outcome.INFEASIBLE)
    assert [row.proposal for row in found.pareto_front(engine, NAME)] == [2, 1]


def test_nan_sorts_last_in_plain_sql_on_both(scene: Scene, engine: Engine) -> None:
    for cost in (math.nan, math.inf, 0.5, -math.inf):
        scene.evaluate(scene.propose(), cost, 1.0)
    with engine.connect() as connection:
        numbers = connection.execute(text("SELECT number FROM evaluation ORDER BY cost_1")).scalars().all()
    assert numbers == [3, 2, 1, 0]


def test_a_result_without_a_mark_of_its_start_counts_its_own_seconds(scene: Scene, engine: Engine) -> None:
    scene.propose()
    quick = scene.attempt(0, running=False)
    scene.store.accept_result(quick.id, RESULT, observation=ENDED, now=NOW + timedelta(seconds=60))
    (row,) = queries.list_trials(engine, NAME)
    assert (row.seconds, row.started_at) == (RESULT.seconds, NOW + timedelta(seconds=60 - RESULT.seconds))


def test_queries_with_former_names_keep_their_answers(lively: Scene, engine: Engine) -> None:
    pairs = {
        "evaluation": [("told_at", "evaluated_at")],
        "proposal": [("told_before", "evaluations_before"), ("final", "final_training")],
        "trial_overview": [("final", "final_training")],
        "incumbent": [("told_at", "evaluated_at")],
        "pareto_front": [("told_at", "evaluated_at")],
    }
    with engine.connect() as connection:
        for table, names in pairs.items():
            for former, name in names:
                rows = connection.execute(text(f"SELECT {former}, {name} FROM {table}")).all()
                assert rows
                assert all(was == now and now is not None for was, now in rows)
