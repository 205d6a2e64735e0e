"""Which disturber does which kind of disturbance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.chaos.course import Disturb
from tests.chaos.disturbers.disks import fill_database_disk, fill_disk
from tests.chaos.disturbers.folders import lock_folder
from tests.chaos.disturbers.hostile import let_in
from tests.chaos.disturbers.partition import cut_cable
from tests.chaos.disturbers.port import Disturber
from tests.chaos.disturbers.reports import cut_off, garble
from tests.chaos.disturbers.second import start_second
from tests.chaos.disturbers.server import crash, end_connections, freeze, restart
from tests.chaos.disturbers.signals import freezing, kill_all, killing
from tests.chaos.plan import Kind
from tests.chaos.scene import Scene

DISTURBERS: Mapping[Kind, Disturber] = {
    Kind.KILL_ORCHESTRATOR: killing(lambda roles: roles.orchestrators),
    Kind.FREEZE_ORCHESTRATOR: freezing(lambda roles: roles.orchestrators),
    Kind.SECOND_ORCHESTRATOR: start_second,
    Kind.KILL_FORK_SERVER: killing(lambda roles: roles.fork_servers),
    Kind.FREEZE_FORK_SERVER: freezing(lambda roles: roles.fork_servers),
    Kind.KILL_TRAINER: killing(lambda roles: roles.trainers),
    Kind.FREEZE_TRAINER: freezing(lambda roles: roles.trainers),
    Kind.KILL_ALL: kill_all,
    Kind.GARBAGE_REPORT: garble,
    Kind.CUT_REPORT: cut_off,
    Kind.LOCK_FOLDER: lock_folder,
    Kind.FILL_DISK: fill_disk,
    Kind.END_CONNECTIONS: end_connections,
    Kind.RESTART_DATABASE: restart,
    Kind.CRASH_DATABASE: crash,
    Kind.FREEZE_DATABASE: freeze,
    Kind.FILL_DATABASE_DISK: fill_database_disk,
    Kind.PARTITION: cut_cable,
    Kind.HOSTILE_TRAINER: let_in,
}


def disturbers_of(scene: Scene) -> Mapping[Kind, Disturb]:
    return {kind: partial(disturber, scene) for kind, disturber in DISTURBERS.items()}
