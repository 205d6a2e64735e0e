"""Another orchestrator is started beside the one that works: it must be refused, or end because the study is over."""

from __future__ import annotations

from tests.chaos.course import Done
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene


def start_second(scene: Scene, _disturbance: Disturbance) -> Done:
    started = scene.orchestrators.start()
    return Done(f"pid {started.process.pid} beside {len(scene.roles().orchestrators) - 1}")
