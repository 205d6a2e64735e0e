"""One installation that many small studies share: submit, wait, disturb, and read what the database says of it all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Engine, Row, select

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.executors.kubernetes.manifest.labels import STUDY
from nago_orchestrator.store.schema import attempt, epoch, result, study, trial
from tests.cluster.documents import Document, small_study
from tests.cluster.installation import Installation
from tests.cluster.kubectl import PATIENCE_SECONDS

SUBMIT_EACH_LINE = 'while read -r study; do printf "%s" "$study" | nago-orch submit - --detach || exit 1; done'
OVER = (StudyState.COMPLETED, StudyState.FAILED, StudyState.CANCELLED)
SLOWLY: dict[str, Any] = {"name": "trainer", "resources": {"limits": {"cpu": "500m"}}}
"""A trainer's container for what has to last: about half a second an epoch, on faster machines as well."""
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    installation: Installation
    engine: Engine
    """Of its database, as the owner of the tables."""

    def study_file(self, name: str, *, trials: int = 1, epochs: int = 2, **changes: Document) -> Document:
        """All trials at once, without a GPU. `kubernetes` and `retries` add to their sections."""
        document = small_study(
            name,
            self.installation.images.trainer,
            search={"algorithm": "random", "proposals": trials},
            fidelities=(epochs,),
            parallelism=trials,
            kubernetes={"gpu": {"count": 0}} | changes.get("kubernetes", {}),
        )
        return document | {"retries": {"pause": 1} | changes.get("retries", {})}

    def submit(self, *studies: Document) -> None:
        """By the command, in the orchestrator's pod; JSON is YAML."""
        lines = "".join(json.dumps(found) + "\n" for found in studies)
        self.installation.kubectl(
            "exec", "--stdin", "deployment/nago-orchestrator", "--", "sh", "-c", SUBMIT_EACH_LINE, given=lines
        )

    def wait_until_over(self, name: str) -> Row[Any]:
        """The study's row, with its state and message."""
        return until(lambda: found if (found := self.study(name)).state in OVER else None, name)

    def study(self, name: str) -> Row[Any]:
        with self.engine.connect() as connection:
            return connection.execute(select(study).where(study.c.name == name)).one()

    def attempts(self, name: str, trial_number: int | None = None) -> list[Row[Any]]:
        """In the order of trials and attempts, each with its trial's number and state."""
        query = (
            select(attempt, trial.c.number.label("trial"), trial.c.state.label("trial_state"))
            .join_from(study, trial)
            .join(attempt)
            .where(study.c.name == name)
            .order_by(trial.c.number, attempt.c.number)
        )
        if trial_number is not None:
            query = query.where(trial.c.number == trial_number)
        with self.engine.connect() as connection:
            return list(connection.execute(query))

    def epochs(self, attempt_id: int) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            query = select(epoch).where(epoch.c.attempt_id == attempt_id).order_by(epoch.c.epoch)
            return list(connection.execute(query))

    def results(self, name: str) -> list[Row[Any]]:
        """In the order of trials."""
        query = select(result, trial.c.number.label("trial")).join_from(study, trial).join(result)
        with self.engine.connect() as connection:
            return list(connection.execute(query.where(study.c.name == name).order_by(trial.c.number)))

    def wait_for_epochs(self, name: str, trial_number: int, count: int) -> Row[Any]:
        """The trial's newest attempt, once it has reported that many."""

        def trained() -> Row[Any] | None:
            found = self.attempts(name, trial_number)
            return found[-1] if found and len(self.epochs(found[-1].id)) >= count else None

        return until(trained, f"{count} epochs of {name}, trial {trial_number}")

    def pods_of(self, job: str) -> list[Document]:
        found: list[Document] = self.installation.kubectl.get("pods", "--selector", f"job-name={job}")["items"]
        return found

    def left_behind(self, name: str) -> list[str]:
        """The study's Jobs, and those of its pods that nobody has asked to go; the cluster takes a moment for it."""
        found: list[str] = []
        for _ in range(20):
            items = self.installation.kubectl.get("jobs,pods", "--selector", f"{STUDY}={name}")["items"]
            found = [item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]]
            if not found:
                break
            time.sleep(0.5)
        return found


def until(look: Callable[[], Found | None], what: str) -> Found:
    """What the look finds at last. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.5)
    raise TimeoutError(f"{what}: not within {PATIENCE_SECONDS} s")
