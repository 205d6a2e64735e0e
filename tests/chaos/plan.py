"""What is done to which study, and when: from a seed, before anything runs. Pure.

A round is one study from its submission to its end, and the disturbances that it meets on the way. Round 7 of seed 3
is the same one whatever became of the rounds before it, so that a run can go on where another one has stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
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
CLUSTER_PARALLELISM = 4
ROUND_SIZE = 25
"""Disturbances of a round."""


class Ground(StrEnum):
    """Where the study is stored."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    CLUSTER = "cluster"
    """On the PostgreSQL of a cluster, where its trials are Jobs."""


class Setup(StrEnum):
    """Who runs the study, and how it reaches its database."""

    COMMAND = "submit"
    """A command that ends with the study, and is started again where it does not."""
    SERVE = "serve"
    """Two servers, of which one waits to take over from the other."""
    POOLED = "pooled"
    """The command, through PgBouncer in transaction mode."""


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
    HOSTILE_TRAINER = "hostile-trainer"
    DELETE_POD = "delete-pod"
    DELETE_JOB = "delete-job"
    DELETE_ORCHESTRATOR = "delete-orchestrator"
    DELETE_DATABASE = "delete-database"
    RESTART_API_SERVER = "restart-api-server"
    RESTART_ETCD = "restart-etcd"
    RESTART_NODE = "restart-node"


_ANYWHERE = (
    Kind.KILL_ORCHESTRATOR,
    Kind.KILL_ORCHESTRATOR,
    Kind.KILL_ORCHESTRATOR,  # more often: every write of the loop is a place where it may be killed
    Kind.FREEZE_ORCHESTRATOR,
    Kind.KILL_TRAINER,
    Kind.FREEZE_TRAINER,
)
_OF_A_MACHINE = (
    Kind.SECOND_ORCHESTRATOR,
    Kind.KILL_FORK_SERVER,
    Kind.FREEZE_FORK_SERVER,
    Kind.KILL_ALL,
    Kind.GARBAGE_REPORT,
    Kind.CUT_REPORT,
    Kind.LOCK_FOLDER,
    Kind.FILL_DISK,
)
_OF_A_SERVER = (
    Kind.END_CONNECTIONS,
    Kind.RESTART_DATABASE,
    Kind.CRASH_DATABASE,
    Kind.FREEZE_DATABASE,
    Kind.FILL_DATABASE_DISK,
    Kind.PARTITION,
    Kind.HOSTILE_TRAINER,
)
_OF_A_CLUSTER = (
    Kind.DELETE_POD,
    Kind.DELETE_JOB,
    Kind.DELETE_ORCHESTRATOR,
    Kind.END_CONNECTIONS,
    Kind.CRASH_DATABASE,
    Kind.FREEZE_DATABASE,
    Kind.DELETE_DATABASE,
    Kind.PARTITION,
    Kind.RESTART_API_SERVER,
    Kind.RESTART_ETCD,
    Kind.RESTART_NODE,
)
KINDS: Mapping[Ground, tuple[Kind, ...]] = {
    Ground.SQLITE: _ANYWHERE + _OF_A_MACHINE,
    Ground.POSTGRESQL: _ANYWHERE + _OF_A_MACHINE + _OF_A_SERVER,
    Ground.CLUSTER: _ANYWHERE + _OF_A_CLUSTER,
}
"""What can happen there."""
ALONE = frozenset((*_OF_A_SERVER, Kind.DELETE_DATABASE, Kind.RESTART_API_SERVER, Kind.RESTART_ETCD, Kind.RESTART_NODE))
"""These touch one server or one machine: the next one waits until it is whole again."""
MAY_LAST = frozenset({Kind.FREEZE_ORCHESTRATOR, Kind.PARTITION, Kind.FREEZE_DATABASE})
"""Sometimes longer than a lease stands."""


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
    setup: Setup
    disturbances: tuple[Disturbance, ...]

    @property
    def is_determined(self) -> bool:
        """Whether an undisturbed run of its study has the same proposals: the order of the ends matters to a model."""
        return self.algorithm == "random" or self.parallelism == 1


_STUDIES = (
    (Ground.SQLITE, "bohb", 1, Setup.COMMAND),
    (Ground.POSTGRESQL, "random", 3, Setup.COMMAND),
    (Ground.POSTGRESQL, "random", 3, Setup.SERVE),
    (Ground.SQLITE, "random", 3, Setup.COMMAND),
    (Ground.POSTGRESQL, "bohb", 3, Setup.COMMAND),
    (Ground.POSTGRESQL, "random", 3, Setup.POOLED),
)
"""In turn."""


ROUNDS = len(_STUDIES)
"""After which each study has been disturbed once."""


def plan_round(seed: int, number: int, *, size: int = ROUND_SIZE) -> Round:
    """On this machine."""
    return _drawn(seed, number, size, *_STUDIES[number % len(_STUDIES)])


def plan_cluster_round(seed: int, number: int, *, size: int = ROUND_SIZE) -> Round:
    return _drawn(seed, number, size, Ground.CLUSTER, "random", CLUSTER_PARALLELISM, Setup.SERVE)


def _drawn(seed: int, number: int, size: int, ground: Ground, algorithm: str, parallelism: int, setup: Setup) -> Round:
    rng = np.random.default_rng([seed, number])
    return Round(
        number=number,
        ground=ground,
        algorithm=algorithm,
        parallelism=parallelism,
        setup=setup,
        disturbances=tuple(_draw(rng, ground) for _ in range(size)),
    )


def _draw(rng: np.random.Generator, ground: Ground) -> Disturbance:
    kind = KINDS[ground][int(rng.integers(len(KINDS[ground])))]
    short, share = float(rng.uniform(*SHORT_SECONDS)), float(rng.uniform())
    is_long = ground is not Ground.SQLITE and kind in MAY_LAST and share < LONG_SHARE
    return Disturbance(
        kind=kind,
        rows=int(rng.integers(MOST_ROWS, endpoint=True)),
        pause=float(rng.uniform(0.0, LONGEST_PAUSE_SECONDS)),
        choice=float(rng.uniform()),
        seconds=LONG_SECONDS if is_long else short,
    )
