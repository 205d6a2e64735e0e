"""Processes that are killed, or stand still for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil

from tests.chaos.course import Done, NoTargetError
from tests.chaos.disturbers.port import Disturber, chosen
from tests.chaos.plan import Disturbance
from tests.chaos.roles import Roles
from tests.chaos.scene import Scene

Choose = Callable[[Roles], Sequence[psutil.Process]]


def killing(choose: Choose) -> Disturber:
    def kill(scene: Scene, disturbance: Disturbance) -> Done:
        process = chosen(choose(scene.roles()), disturbance)
        _send(process, signal.SIGKILL)
        return Done(f"pid {process.pid}")

    return kill


def freezing(choose: Choose) -> Disturber:
    def freeze(scene: Scene, disturbance: Disturbance) -> Done:
        process = chosen(choose(scene.roles()), disturbance)
        _send(process, signal.SIGSTOP)
        return Done(f"pid {process.pid}", lambda: _wake(process))

    return freeze


def kill_all(scene: Scene, _disturbance: Disturbance) -> Done:
    """As if the machine had lost its power, but for the database."""
    everybody = scene.roles().all
    if not everybody:
        raise NoTargetError
    for process in everybody:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return Done(f"{len(everybody)} processes")


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        raise NoTargetError from None


def _wake(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()
