"""One round on this machine: a study is submitted, disturbed, left in peace until it is over, and examined."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.chaos.course import Applied, Course
from tests.chaos.disturbers.table import disturbers_of
from tests.chaos.invariants import broken
from tests.chaos.plan import Round, plan_round
from tests.chaos.reference import Outcomes, References, outcomes
from tests.chaos.scene import Scene, scene
from tests.waiting import PATIENCE_SECONDS

LEAVING_SECONDS = PATIENCE_SECONDS / 10
"""How long processes may take to end after their study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a round came out."""

    number: int
    applied: tuple[Applied, ...]
    seconds: float
    faults: tuple[str, ...]


def run_round(planned: Round, folder: Path, undisturbed: Outcomes | None) -> Ended:
    """`folder`: new; keeps the logs of the orchestrators."""
    folder.mkdir(parents=True)
    with scene(planned, folder) as live:
        course = Course(live, disturbers_of(live))
        try:
            for disturbance in planned.disturbances:
                if not live.is_over():
                    course.disturb(disturbance)
            faults = _faults_at_the_end(course, live, undisturbed)
        finally:
            course.undo()
            processes.end_started()
            for process in live.roles().all:
                process.kill()
    seconds = time.monotonic() - course.began
    return Ended(number=planned.number, applied=tuple(course.applied), seconds=seconds, faults=faults)


@contextmanager
def local_rounds(seed: int, folder: Path) -> Iterator[Callable[[int], Ended]]:
    """Runs the round of a number."""
    references = References(folder / "undisturbed")

    def run(number: int) -> Ended:
        planned = plan_round(seed, number)
        return run_round(planned, folder / f"round-{number}", references.of(planned))

    yield run


def _faults_at_the_end(course: Course, live: Scene, undisturbed: Outcomes | None) -> tuple[str, ...]:
    course.wait_for_peace()
    if not course.wait(live.is_over, PATIENCE_SECONDS):
        return (f"the study is not over after {PATIENCE_SECONDS:.0f} s in peace, with {live.rows()} rows",)
    live.orchestrators.leave()
    course.wait(lambda: live.orchestrators.all_ended() and not live.roles().all, LEAVING_SECONDS)
    faults = broken(live)
    if undisturbed is not None and outcomes(live) != undisturbed:
        faults.append("an undisturbed run of the study has other results")
    return tuple(faults)
