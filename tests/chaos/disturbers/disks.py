"""A disk without a free byte: that of the study, or that of its database's server."""

from __future__ import annotations

from tests.chaos.course import Done, NoTargetError
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene
from tests.chaos.small_disk import fill, give_room, may_mount


def fill_disk(scene: Scene, _disturbance: Disturbance) -> Done:
    if not may_mount():
        raise NoTargetError
    fill(scene.disk)
    return Done(str(scene.disk), lambda: give_room(scene.disk))


def fill_database_disk(scene: Scene, _disturbance: Disturbance) -> Done:
    """A server without room for its log ends by itself; somebody starts it again when there is room."""
    disk, server = scene.database.disk, scene.database.server
    if not may_mount() or disk is None or server is None:
        raise NoTargetError
    fill(disk)

    def undo() -> None:
        give_room(disk)
        if server.pid is None:
            server.start()

    return Done(str(disk), undo)
