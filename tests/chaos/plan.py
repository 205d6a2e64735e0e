"""What is done to which study, and when: from a seed, before anything runs. Pure.

A round is one study from its submission to its end, and the disturbances that it meets on the way. Round 7 of seed 3
is the same one whatever became of the rounds before it, so that a run can go on where another one has stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from nago_orchestrator.store.lock import TERMS

MOST_ROWS = 3
"""That the study writes between two disturbances."""
LONGEST_PAUSE_SECONDS = 0.6
SHORT_SECONDS = (0.2, 3.0)
"""How long most of what is undone again lasts."""
LONG_SECONDS = TERMS.term.total_seconds() + 4.0
"""Longer than a lease stands without its holder."""
LONG_SHARE = 0.12
ROUND_SIZE = 25
"""Disturbances of a round."""


class Ground(StrEnum):
    """Where the study is stored."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Kind(StrEnum):
    """One for each thing that is done."""

    KILL_ORCHESTRATOR = "kill-orchestrator"
    FREEZE_ORCHESTRATOR = "freeze-orchestrator"
    SECOND_ORCHESTRATOR = "second-orchestrator"
    KILL_FORK_SERVER = "kill-fork-server"
    FREEZE_FORK_SERVER = "freeze-fork-server"
    KILL_TRAINER = "kill-trainer"
    FREEZE_TRAINER = "freeze-trainer"
    KILL_ALL = "kill-all"
    GARBAGE_REPORT = "garbage-report"
    CUT_REPORT = "cut-report"
    LOCK_FOLDER = "lock-folder"
    FILL_DISK = "fill-disk"
    END_CONNECTIONS = "end-connections"
    RESTART_DATABASE = "restart-database"
    CRASH_DATABASE = "crash-database"
    FREEZE_DATABASE = "freeze-database"
    FILL_DATABASE_DISK = "fill-database-disk"
    PARTITION = "partition"


OF_A_SERVER = frozenset(
    {
        Kind.END_CONNECTIONS,
        Kind.RESTART_DATABASE,
        Kind.CRASH_DATABASE,
        Kind.FREEZE_DATABASE,
        Kind.FILL_DATABASE_DISK,
        Kind.PARTITION,
    }
)
"""A file has none of these."""
MAY_LAST = frozenset({Kind.FREEZE_ORCHESTRATOR, Kind.PARTITION, Kind.FREEZE_DATABASE})
"""Sometimes longer than a lease stands."""
HOSTILE = frozenset({Kind.GARBAGE_REPORT, Kind.CUT_REPORT})
"""What a trainer does to its own report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    kind: Kind
    rows: int
    """It waits until the study has written so many more rows ..."""
    pause: float
    """... and then for so many seconds, so that it falls anywhere between two writes."""
    choice: float
    """From 0 to 1: which one, where there are several."""
    seconds: float
    """How long it lasts, where it is undone again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    number: int
    ground: Ground
    algorithm: str
    parallelism: int
    disturbances: tuple[Disturbance, ...]

    @property
    def is_determined(self) -> bool:
        """Whether an undisturbed run of its study has the same proposals: the order of the ends matters to a model."""
        return self.algorithm == "random" or self.parallelism == 1


_MORE = (Kind.KILL_ORCHESTRATOR,) * 2
"""Drawn more often than others: every write of the loop is a place where it may be killed."""
_STUDIES = (
    (Ground.SQLITE, "bohb", 1),
    (Ground.POSTGRESQL, "random", 3),
    (Ground.SQLITE, "random", 3),
    (Ground.POSTGRESQL, "bohb", 3),
)
"""In turn."""


def plan_round(seed: int, number: int, *, size: int = ROUND_SIZE) -> Round:
    rng = np.random.default_rng([seed, number])
    ground, algorithm, parallelism = _STUDIES[number % len(_STUDIES)]
    kinds = [kind for kind in (*Kind, *_MORE) if ground is Ground.POSTGRESQL or kind not in OF_A_SERVER]
    return Round(
        number=number,
        ground=ground,
        algorithm=algorithm,
        parallelism=parallelism,
        disturbances=tuple(_draw(rng, ground, kinds) for _ in range(size)),
    )


def _draw(rng: np.random.Generator, ground: Ground, kinds: list[Kind]) -> Disturbance:
    kind = kinds[int(rng.integers(len(kinds)))]
    short, share = float(rng.uniform(*SHORT_SECONDS)), float(rng.uniform())
    is_long = ground is Ground.POSTGRESQL and kind in MAY_LAST and share < LONG_SHARE
    return Disturbance(
        kind=kind,
        rows=int(rng.integers(MOST_ROWS, endpoint=True)),
        pause=float(rng.uniform(0.0, LONGEST_PAUSE_SECONDS)),
        choice=float(rng.uniform()),
        seconds=LONG_SECONDS if is_long else short,
    )
