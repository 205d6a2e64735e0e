"""One round: a study is submitted, disturbed by its plan, left in peace until it is over, and examined."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests import processes
from tests.chaos.disturbers.port import Done, NoTargetError
from tests.chaos.disturbers.table import DISTURBERS
from tests.chaos.invariants import broken
from tests.chaos.plan import OF_A_SERVER, Disturbance, Kind, Round
from tests.chaos.reference import Outcomes, outcomes
from tests.chaos.scene import Scene, scene
from tests.waiting import PATIENCE_SECONDS

ROWS_SECONDS = 12.0
"""A study that is disturbed at the moment need not come further before the next disturbance."""
TARGET_SECONDS = 12.0
"""How long a disturbance waits for its target."""
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A disturbance that took place."""

    kind: Kind
    target: str
    after_seconds: float
    """Since the round began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a round came out."""

    number: int
    applied: tuple[Applied, ...]
    seconds: float
    faults: tuple[str, ...]


@dataclass
class _Course:
    """A round under way."""

    scene: Scene
    began: float = field(default_factory=time.monotonic)
    applied: list[Applied] = field(default_factory=list)
    undone_at: list[tuple[float, Disturbance, Done]] = field(default_factory=list)
    """What lasts at the moment, and until when."""

    def wait(self, holds: Callable[[], object], seconds: float) -> bool:
        """Meanwhile what is due is undone, and an orchestrator kept at work. False: in vain."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            self.undo(time.monotonic())
            self.scene.orchestrators.keep_one()
            time.sleep(LOOK_SECONDS)
        return True

    def undo(self, until: float) -> None:
        for item in [item for item in self.undone_at if item[0] <= until]:
            self.undone_at.remove(item)
            if item[2].undo is not None:
                item[2].undo()

    @property
    def is_over(self) -> bool:
        return self.scene.orchestrators.completed

    def disturb(self, disturbance: Disturbance) -> None:
        wanted = (self.scene.rows() or 0) + disturbance.rows
        self.wait(lambda: self.is_over or (self.scene.rows() or 0) >= wanted, ROWS_SECONDS)
        self.wait(lambda: False, disturbance.pause)
        if disturbance.kind in OF_A_SERVER:  # one trouble of the server at a time
            self.wait(lambda: not any(one.kind in OF_A_SERVER for _, one, _ in self.undone_at), PATIENCE_SECONDS)
        self.wait(lambda: self.is_over or self._done(disturbance), TARGET_SECONDS)

    def _done(self, disturbance: Disturbance) -> bool:
        try:
            done = DISTURBERS[disturbance.kind](self.scene, disturbance)
        except NoTargetError:
            return False
        now = time.monotonic()
        self.applied.append(Applied(kind=disturbance.kind, target=done.target, after_seconds=now - self.began))
        self.undone_at.append((now + disturbance.seconds, disturbance, done))
        return True


def run_round(planned: Round, folder: Path, undisturbed: Outcomes | None) -> Ended:
    """`folder`: new; keeps the logs of the orchestrators."""
    folder.mkdir(parents=True)
    with scene(planned, folder) as live:
        course = _Course(live)
        try:
            for disturbance in planned.disturbances:
                if not course.is_over:
                    course.disturb(disturbance)
            faults = _faults_at_the_end(course, undisturbed)
        finally:
            course.undo(float("inf"))
            processes.end_started()
            for process in live.roles().all:
                process.kill()
    seconds = time.monotonic() - course.began
    return Ended(number=planned.number, applied=tuple(course.applied), seconds=seconds, faults=faults)


def _faults_at_the_end(course: _Course, undisturbed: Outcomes | None) -> tuple[str, ...]:
    live = course.scene
    course.wait(lambda: not course.undone_at, PATIENCE_SECONDS)
    if not course.wait(lambda: course.is_over, PATIENCE_SECONDS):
        return (f"the study is not over after {PATIENCE_SECONDS:.0f} s in peace, with {live.rows()} rows",)
    course.wait(lambda: live.orchestrators.all_ended() and not live.roles().all, PATIENCE_SECONDS / 10)
    faults = broken(live)
    if undisturbed is not None and outcomes(live) != undisturbed:
        faults.append("an undisturbed run of the study has other results")
    return tuple(faults)
