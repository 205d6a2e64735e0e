"""A study in the cluster: submitted, looked at, waited for, and examined once it is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.spec import parse_study_spec
from nago_orchestrator.store.store import open_store
from tests.cluster.documents import Document, napping, small_study
from tests.cluster.installation import Installation
from tests.cluster.kubectl import PATIENCE_SECONDS, KubectlError
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, create

HASTE_SECONDS = 5.0
LOOK_SECONDS = 0.5
Row = dict[str, Any]


def small(
    installation: Installation,
    name: str,
    *,
    search: Document,
    fidelities: tuple[int, ...],
    parallelism: int = 4,
    nap: int = 0,
) -> ClusterStudy:
    """A study that is over soon. `nap`: seconds that each trial sleeps before it trains."""
    document = small_study(
        name,
        installation.images.trainer,
        search=search,
        fidelities=fidelities,
        parallelism=parallelism,
        kubernetes=napping(nap) if nap else None,
    )
    return ClusterStudy(installation=installation, document=document)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStudy:
    installation: Installation
    document: Document
    """Of its study file."""

    @property
    def in_haste(self) -> ClusterStudy:
        """The same, for who must not wait for a cluster or a database that does not answer."""
        kubectl = replace(self.installation.kubectl, patience=HASTE_SECONDS)
        return replace(self, installation=replace(self.installation, kubectl=kubectl))

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def parallelism(self) -> int:
        return int(self.document["execution"]["parallelism"])

    @property
    def selector(self) -> str:
        return f"nago.dev/study={self.name}"

    @property
    def file(self) -> str:
        """JSON is YAML."""
        return json.dumps(self.document)

    def submit(self) -> str:
        """What the command says."""
        return self.installation.orchestrator("submit", "-", "--detach", given=self.file)

    def rows(self, columns: str, tables: str) -> list[Row]:
        """Of this study: `tables` joins the study's rows to others."""
        return self.installation.rows(f"SELECT {columns} FROM study {tables} WHERE study.name = '{self.name}'")

    @property
    def state(self) -> str:
        (row,) = self.rows("state", "")
        return str(row["state"])

    def attempts(self) -> list[Row]:
        """By trial and number."""
        columns = "trial.number AS trial, attempt.*, attempt.id IN (SELECT attempt_id FROM result) AS has_result"
        joined = "JOIN trial ON trial.study_id = study.id JOIN attempt ON attempt.trial_id = trial.id"
        return sorted(self.rows(columns, joined), key=lambda row: (row["trial"], row["number"]))

    def trials(self) -> list[Row]:
        return sorted(self.rows("trial.*", "JOIN trial ON trial.study_id = study.id"), key=lambda row: row["number"])

    def running(self) -> list[Row]:
        """Attempts that are known to run."""
        return [attempt for attempt in self.attempts() if attempt["state"] == "running"]

    def training(self) -> list[Row]:
        """Running attempts that have sent an epoch and no result."""
        heard = {row["attempt_id"] for row in self.installation.rows("SELECT DISTINCT attempt_id FROM epoch")}
        return [found for found in self.running() if found["id"] in heard and not found["has_result"]]

    def pods(self) -> list[Row]:
        found: list[Row] = self.installation.kubectl.get("pods", "--selector", self.selector)["items"]
        return found

    def jobs(self) -> list[Row]:
        found: list[Row] = self.installation.kubectl.get("jobs", "--selector", self.selector)["items"]
        return found

    def wait_until(self, what: str, holds: Callable[[], object]) -> None:
        """Raises TimeoutError. A cluster or database that does not answer is asked again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if holds():
                    return
            except KubectlError:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {PATIENCE_SECONDS} s it does not hold of the study {self.name}: {what}")
            time.sleep(LOOK_SECONDS)

    def wait_until_runs(self, *, at_least: int = 1) -> None:
        self.wait_until(f"{at_least} trials run", lambda: len(self.running()) >= at_least)

    def wait_until_completed(self) -> None:
        self.wait_until("it is over", lambda: self.state != StudyState.RUNNING)
        (row,) = self.rows("state, message", "")
        assert row["state"] == StudyState.COMPLETED, row

    def wait_until_cleared(self) -> None:
        """Nothing of it is left in the namespace."""
        self.wait_until("no Job and no pod is left", lambda: not self.jobs() and not self.pods())

    def check_counts(self) -> None:
        """Every trial was counted once, by exactly one accepted result; proposals come out the same again."""
        trials, attempts = self.trials(), self.attempts()
        assert trials
        assert {trial["state"] for trial in trials} == {"succeeded"}
        accepted = [attempt["trial"] for attempt in attempts if attempt["has_result"]]
        assert accepted == [trial["number"] for trial in trials]
        assert all(attempt["has_result"] == (attempt["state"] == "succeeded") for attempt in attempts)
        joined = "JOIN evaluation ON evaluation.study_id = study.id"
        evaluations = self.rows("evaluation.proposal_id, evaluation.number, outcome, samples", joined)
        assert sorted(found["number"] for found in evaluations) == list(range(len(trials)))
        assert {found["proposal_id"] for found in evaluations} == {trial["proposal_id"] for trial in trials}
        assert {(found["outcome"], found["samples"]) for found in evaluations} == {("ok", 1)}
        self.installation.orchestrator("replay", self.name, "--verify")

    def failures(self) -> list[tuple[str, str]]:
        """Kind and reason of every attempt that failed."""
        return [(found["failure"], found["reason"]) for found in self.attempts() if found["state"] == "failed"]

    def drawn(self) -> list[tuple[Row, str]]:
        """Theta and architecture hash of every proposal, in order."""
        joined = "JOIN trial ON trial.study_id = study.id JOIN proposal ON proposal.id = trial.proposal_id"
        found = self.rows("proposal.number, theta, architecture_hash", joined)
        return [(row["theta"], row["architecture_hash"]) for row in sorted(found, key=lambda row: row["number"])]

    def undisturbed(self, folder: Path) -> list[tuple[Row, str]]:
        """What `drawn` gives where nothing happens: the same file in a loop of this process."""
        store = open_store(str(folder / f"{self.name}.sqlite"))
        study = create(store, parse_study_spec(self.file, self.name))
        Orchestrator(store, study, SimulatedExecutor()).run()
        proposals, _ = store.history(study.id)
        hashes = [trial.architecture_hash for trial in store.drawn_trials(study.id)]
        store.close()
        return [(dict(proposal.theta), found) for proposal, found in zip(proposals, hashes, strict=True)]
