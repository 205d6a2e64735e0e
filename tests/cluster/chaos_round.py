"""One round in the tests' own cluster: a study is submitted, disturbed, left in peace until it is over; examined."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nago_trainer.contract.attempt_files import LOGIN_PREFIX
from tests.chaos.course import Course
from tests.chaos.plan import Round
from tests.chaos.rounds import Ended
from tests.cluster.chaos_study import PREFIX, LiveStudy, chaos_study
from tests.cluster.disturbers import cluster_disturbers
from tests.cluster.installation import Installation
from tests.cluster.kubectl import PATIENCE_SECONDS, KubectlError
from tests.cluster.machinery import Machinery
from tests.cluster.orchestrators import DEPLOYMENT, Orchestrators
from tests.cluster.study import ClusterStudy

HOSTILE_REASONS = {"InvalidReport", "NoResult", "PermissionLost"}
NEVER_SAID = ("Traceback", "bug in nago-orch")


@dataclass(frozen=True, slots=True)
class _Over:
    """A study that should be over, and where."""

    study: ClusterStudy
    orchestrators: Orchestrators
    folder: Path

    @property
    def installation(self) -> Installation:
        return self.study.installation


def run_cluster_round(
    planned: Round, seed: int, installation: Installation, machinery: Machinery, folder: Path
) -> Ended:
    """`folder`: new. With an odd number, two orchestrators run, and the second takes over from the first."""
    folder.mkdir(parents=True)
    installation.wait_until_ready()
    study = chaos_study(installation, seed, planned)
    live = LiveStudy(study.in_haste)
    course = Course(live, cluster_disturbers(study.in_haste, machinery))
    with _replicas(installation, 1 + planned.number % 2):
        study.submit()
        try:
            for disturbance in planned.disturbances:
                if not live.is_over():
                    course.disturb(disturbance)
            course.wait_for_peace()
        finally:
            course.undo()
        faults = tuple(_broken(_Over(study, Orchestrators(installation=installation), folder), course))
    seconds = time.monotonic() - course.began
    return Ended(number=planned.number, applied=tuple(course.applied), seconds=seconds, faults=faults)


@contextmanager
def _replicas(installation: Installation, number: int) -> Iterator[None]:
    installation.kubectl("scale", DEPLOYMENT, "--replicas", str(number))
    try:
        yield
    finally:
        installation.kubectl("scale", DEPLOYMENT, "--replicas", "1")


def _broken(over: _Over, course: Course) -> Iterator[str]:
    """A sentence for each invariant that does not hold."""
    if not course.wait(course.live.is_over, PATIENCE_SECONDS):
        yield f"the study is not over after {PATIENCE_SECONDS} s in peace"
        return
    over.installation.wait_until_ready()
    for check in CHECKS:
        try:
            check(over)
        except (AssertionError, TimeoutError, KubectlError) as error:
            yield f"{check.__name__}: {traceback.format_exception(error)[-2].strip()} {error}"


def _it_is_complete(over: _Over) -> None:
    over.study.wait_until_completed()


def _every_trial_has_one_result_and_replay_is_the_same(over: _Over) -> None:
    over.study.check_counts()


def _evaluations_equal_results(over: _Over) -> None:
    joined = """
    JOIN trial ON trial.study_id = study.id JOIN result ON result.trial_id = trial.id
    JOIN evaluation ON evaluation.proposal_id = trial.proposal_id"""
    for row in over.study.rows("trial.number, validation_accuracy AS measured, objective_values AS told", joined):
        assert row["told"]["accuracy"] == row["measured"], row


def _proposals_are_those_of_an_undisturbed_run(over: _Over) -> None:
    assert over.study.drawn() == over.study.undisturbed(over.folder)


def _results_are_those_of_other_rounds(over: _Over) -> None:
    """They train the same: on a CPU, the same numbers to the last bit."""
    found = over.installation.rows(
        "SELECT trial.number, architecture_hash, count(DISTINCT (validation_accuracy, validation_loss)) AS results"
        f" FROM study JOIN trial ON trial.study_id = study.id JOIN result ON result.trial_id = trial.id"
        f" WHERE study.name LIKE '{PREFIX}-%' GROUP BY 1, 2"
    )
    differ = [row for row in found if row["results"] != 1]
    assert not differ, differ


def _failures_are_of_the_right_kind(over: _Over) -> None:
    """What is done to a pod or a node is never the trial's own fault; what hostile trainers do is."""
    for attempt in over.study.attempts():
        if attempt["failure"] not in (None, "infrastructure"):
            is_hostile = attempt["number"] == 1 and attempt["trial"] % 10 in (3, 7)
            assert is_hostile, attempt
            assert attempt["reason"] in HOSTILE_REASONS, attempt


def _nothing_is_left_in_the_namespace(over: _Over) -> None:
    over.study.wait_until_cleared()
    secrets = ("get", "secrets", "--selector", over.study.selector, "--output", "name")
    over.study.wait_until("no Secret is left", lambda: not over.installation.kubectl(*secrets).strip())


def _nothing_is_left_in_the_database(over: _Over) -> None:
    logins = f"SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{LOGIN_PREFIX}')"
    over.study.wait_until("no login is left", lambda: not over.installation.rows(logins))
    held = f"SELECT holder FROM lease JOIN study ON study.id = lease.study_id WHERE study.name = '{over.study.name}'"
    over.study.wait_until("nobody holds it", lambda: not [row for row in over.installation.rows(held) if row["holder"]])
    open_for_long = "SELECT query FROM pg_stat_activity WHERE clock_timestamp() - xact_start > interval '60 s'"
    assert not over.installation.rows(open_for_long)


def _orchestrators_said_no_bug(over: _Over) -> None:
    for pod in over.orchestrators.pods():
        for which in ((), ("--previous",)):
            try:
                log = over.installation.kubectl("logs", pod["metadata"]["name"], "--container", "orchestrator", *which)
            except KubectlError:  # there was none before
                continue
            assert not [line for line in log.splitlines() if any(words in line for words in NEVER_SAID)], log[-4000:]


CHECKS: tuple[Callable[[_Over], None], ...] = (
    _it_is_complete,
    _every_trial_has_one_result_and_replay_is_the_same,
    _evaluations_equal_results,
    _proposals_are_those_of_an_undisturbed_run,
    _results_are_those_of_other_rounds,
    _failures_are_of_the_right_kind,
    _nothing_is_left_in_the_namespace,
    _nothing_is_left_in_the_database,
    _orchestrators_said_no_bug,
)
