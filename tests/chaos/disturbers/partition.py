"""The network between an orchestrator and its database is gone for a while."""

from __future__ import annotations

from tests.chaos.course import Done, NoTargetError
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene


def cut_cable(scene: Scene, _disturbance: Disturbance) -> Done:
    cable, orchestrators = scene.database.cable, scene.orchestrators
    if cable is None:
        raise NoTargetError
    cable.cut()
    orchestrators.is_cut = True

    def undo() -> None:
        cable.mend()
        orchestrators.is_cut = False

    return Done(cable.name, undo)
