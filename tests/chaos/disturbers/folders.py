"""An attempt's folder in which nothing can be created, renamed or deleted for a while."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from nago_trainer.contract.attempt_files import EXIT_FILE, TASK_FILE
from tests.chaos.course import Done, NoTargetError
from tests.chaos.disturbers.port import chosen
from tests.chaos.plan import Disturbance
from tests.chaos.scene import Scene


def lock_folder(scene: Scene, disturbance: Disturbance) -> Done:
    folders = [path.parent for path in sorted(scene.disk.rglob(TASK_FILE))]
    folder = chosen([folder for folder in folders if not (folder / EXIT_FILE).exists()], disturbance)
    _lock(folder, True)
    return Done(folder.name, lambda: _lock(folder, False))


def _lock(folder: Path, locked: bool) -> None:
    """Permissions do not hold root; that the folder may not change at all does."""
    if os.getuid() != 0:
        folder.chmod(0o555 if locked else 0o755)
        return
    done = subprocess.run(["chattr", "+i" if locked else "-i", folder], capture_output=True, check=False)
    if done.returncode != 0 and locked:
        raise NoTargetError
