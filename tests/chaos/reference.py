"""What a study comes to that nobody disturbs: on a CPU, with the same seed, the same numbers to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from nago_orchestrator.store.schema import result, trial
from tests.chaos.plan import Ground, Round, Setup
from tests.chaos.scene import Scene, scene
from tests.waiting import until

Outcomes = Mapping[int, tuple[str, float, float]]
"""By number of the trial: its architecture, its accuracy and its loss."""


class References:
    """Each is made once, when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, int], Outcomes] = {}

    def of(self, planned: Round) -> Outcomes | None:
        """None where the order in which trials end decides what is proposed."""
        if not planned.is_determined:
            return None
        key = planned.algorithm, planned.parallelism
        if key not in self._known:
            self._known[key] = _undisturbed(planned, self._folder / f"{planned.algorithm}-{planned.parallelism}")
        return self._known[key]


def outcomes(of: Scene) -> Outcomes:
    columns = trial.c.number, trial.c.architecture_hash, result.c.validation_accuracy, result.c.validation_loss
    with of.database.engine.connect() as connection:
        rows = connection.execute(select(*columns).join(result, result.c.trial_id == trial.c.id)).all()
    return {number: (architecture, accuracy, loss) for number, architecture, accuracy, loss in rows}


def _undisturbed(planned: Round, folder: Path) -> Outcomes:
    folder.mkdir(parents=True)
    with scene(replace(planned, ground=Ground.SQLITE, setup=Setup.COMMAND), folder) as quiet:
        started = quiet.orchestrators.start()
        until(lambda: started.process.poll() is not None)
        assert started.process.returncode == 0, started.log.read_text()
        return outcomes(quiet)
