"""What must hold once a disturbed study is over, whatever was done to it. A check gives a sentence for each fault."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Table, select, text

from nago_orchestrator.domain.states import Failure
from nago_orchestrator.store.schema import attempt, evaluation, lease, proposal, result, study, trial
from nago_trainer.contract.attempt_files import (
    CLAIM_FILE,
    EXIT_FILE,
    LOG_FILE,
    LOGIN_PREFIX,
    REPORT_FILE,
    TASK_FILE,
)
from tests.chaos.orchestrators import COMMAND
from tests.chaos.roles import marked
from tests.chaos.scene import Scene
from tests.chaos.study_file import NAME
from tests.waiting import PATIENCE_SECONDS

HOSTILE_REASONS = frozenset({"InvalidReport", "NoResult"})
"""Of application errors: the reports that the tests have spoilt."""
KEPT = frozenset({TASK_FILE, CLAIM_FILE, REPORT_FILE, EXIT_FILE, LOG_FILE, "warm.log"})
"""Files of the runs that stay; all others are drafts, locks or checkpoints."""
Row = Mapping[str, Any]
Check = Callable[[Scene], Iterator[str]]


def broken(scene: Scene) -> list[str]:
    """All that does not hold."""
    return [sentence for check in CHECKS for sentence in check(scene)]


def _orchestrators_ended_as_they_may(scene: Scene) -> Iterator[str]:
    yield from scene.orchestrators.faults


def _the_study_is_complete(scene: Scene) -> Iterator[str]:
    (row,) = _rows(scene, study)
    if row["state"] != "completed":
        yield f"the study is {row['state']}: {row['message']}"


def _every_trial_has_one_result(scene: Scene) -> Iterator[str]:
    trials, results, attempts = _rows(scene, trial), _rows(scene, result), _rows(scene, attempt)
    if (states := {row["state"] for row in trials}) != {"succeeded"}:
        yield f"trials are {states}"
    if Counter(row["trial_id"] for row in results) != Counter(row["id"] for row in trials):
        yield f"{len(results)} results for {len(trials)} trials"
    succeeded = Counter(row["id"] for row in attempts if row["state"] == "succeeded")
    if succeeded != Counter(row["attempt_id"] for row in results):
        yield "the attempts that succeeded are not those of the results"
    if left := [row["name"] for row in attempts if row["state"] in ("created", "running")]:
        yield f"attempts have not ended: {left}"


def _failures_are_of_the_right_kind(scene: Scene) -> Iterator[str]:
    """What is done to a process, a disk or a database is never the trial's own fault."""
    for row in _rows(scene, attempt):
        if row["failure"] == Failure.DEFECT and row["reason"] not in HOSTILE_REASONS:
            yield f"{row['name']} ended as an application error: {row['reason']}: {row['message']}"
        if row["failure"] == Failure.INFEASIBLE:
            yield f"{row['name']} ended as infeasible: {row['message']}"


def _evaluations_equal_results(scene: Scene) -> Iterator[str]:
    evaluations = {row["proposal_id"]: row for row in _rows(scene, evaluation)}
    proposals = _rows(scene, proposal)
    if evaluations.keys() != {row["id"] for row in proposals}:
        yield f"{len(evaluations)} evaluations for {len(proposals)} proposals"
    if sorted(row["number"] for row in evaluations.values()) != list(range(len(evaluations))):
        yield "the evaluations are not numbered one after the other"
    results = {row["trial_id"]: row for row in _rows(scene, result)}
    for row in _rows(scene, trial):
        measured, told = results.get(row["id"]), evaluations.get(row["proposal_id"])
        if measured is None or told is None:
            continue
        accuracy, memory = measured["validation_accuracy"], row["bytes_per_sample"]
        if (told["objective_values"], told["cost_1"], told["cost_2"]) != (
            {"accuracy": accuracy, "memory": memory},
            -accuracy,
            memory,
        ):
            yield f"the evaluation of trial {row['number']} is not its result: {told['objective_values']}"


def _replay_is_the_same(scene: Scene) -> Iterator[str]:
    done = subprocess.run(
        [*COMMAND, "replay", NAME, "--verify"],
        env=dict(scene.orchestrators.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    if done.returncode != 0:
        yield f"replay --verify: {done.stdout}{done.stderr}"


def _no_process_is_left(scene: Scene) -> Iterator[str]:
    for process in marked(scene.mark):
        yield f"pid {process.pid} is left: {' '.join(process.cmdline())}"


def _nobody_holds_it(scene: Scene) -> Iterator[str]:
    for row in _rows(scene, lease):
        if row["holder"] is not None:
            yield f"the lease is held: {row['holder']}"


def _no_login_or_session_is_left(scene: Scene) -> Iterator[str]:
    if scene.database.server is None:
        return
    with scene.database.engine.connect() as connection:
        logins = list(connection.scalars(_LOGINS, {"prefix": LOGIN_PREFIX}))
        sessions = list(connection.scalars(_POOLED_SESSIONS if scene.database.is_pooled else _OTHER_SESSIONS))
    if logins:
        yield f"logins are left: {logins}"
    if sessions:
        yield f"sessions are left: {sessions}"


def _no_file_is_left(scene: Scene) -> Iterator[str]:
    scene.database.engine.dispose()
    database = "nago.sqlite"
    for path in sorted(scene.disk.rglob("*")):
        if path.is_file() and path.name not in KEPT and path.name != database:
            yield f"a file is left: {path.relative_to(scene.disk)}"


_LOGINS = text("SELECT rolname FROM pg_roles WHERE starts_with(rolname, :prefix)")
_OTHERS = "SELECT query FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
_OTHER_SESSIONS = text(_OTHERS)
_POOLED_SESSIONS = text(f"{_OTHERS} AND state <> 'idle'")
"""Those that are idle are the pooler's."""
CHECKS: tuple[Check, ...] = (
    _orchestrators_ended_as_they_may,
    _the_study_is_complete,
    _every_trial_has_one_result,
    _failures_are_of_the_right_kind,
    _evaluations_equal_results,
    _replay_is_the_same,
    _no_process_is_left,
    _nobody_holds_it,
    _no_login_or_session_is_left,
    _no_file_is_left,
)


def _rows(scene: Scene, table: Table) -> list[Row]:
    with scene.database.engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]
