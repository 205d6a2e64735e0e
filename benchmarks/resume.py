"""How long a study of 1,000 finished trials takes from the command to its next proposal, everything included."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.figure import Goal, show
from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.domain.trial_design import design_trial
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec, parse_study_spec
from nago_orchestrator.store.attempts import NewAttempt
from nago_orchestrator.store.records import NewStudy, Study
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.architecture import canonical
from nago_trainer.contract.reports import TrialResult

TRIALS = 1_000
REPEATS = 5
NOW = datetime(2026, 1, 1, tzinfo=UTC)
STUDY = """
name: long
seed: 5
fidelities: [30, 60, 120]
search: {algorithm: bohb, iterations: 1000}
trainer:
  dataset: {name: digits}
  parameter_limit: 1000000
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "nago.sqlite"
        store = open_store(str(database))
        fill(store, parse_study_spec(STUDY, "this benchmark's study"))
        store.close()  # which writes what is still in the log beside the file into it
        copies = [Path(shutil.copy(database, database.with_name(f"{number}.sqlite"))) for number in range(REPEATS)]
        seconds = [seconds_to_next_proposal(copy) for copy in copies]
    show("resume", f"slowest of {REPEATS}", max(seconds), "s")
    middle = statistics.median(seconds)
    met = show("resume", f"{TRIALS:,} finished trials, command to next proposal, median", middle, "s", Goal(2))
    return 0 if met else 1


def fill(store: Store, spec: StudySpec) -> None:
    """Real proposals of the real proposer, one trial after another; only what they find is invented."""
    recipe = study_recipe(spec)  # once: it starts a process that looks at the images
    study = store.create_study(
        NewStudy(
            name=spec.name,
            spec=spec.canonical(),
            spec_hash=spec.digest(),
            seed=spec.seed,
            objectives=spec.objective_values(),
            recipe=recipe,
        ),
        NOW,
    )
    proposer, rng = make_proposer(spec, recipe), np.random.default_rng(1)
    for number in range(TRIALS):
        proposal = proposer.ask()
        if not isinstance(proposal, Proposal):
            raise RuntimeError(f"the proposer paused after {number} proposals")
        accuracy = float(rng.uniform(0.5, 0.99))
        finish(store, study, proposal, accuracy)
        evaluation = Evaluation(
            proposal=number,
            number=number,
            outcome=Outcome.OK,
            values={"accuracy": accuracy},
            costs=(-accuracy,),
            samples=1,
        )
        store.add_evaluation(study.id, evaluation, NOW)
        proposer.tell(evaluation)


def finish(store: Store, study: Study, proposal: Proposal, accuracy: float) -> None:
    trial = design_trial(
        proposal.theta,
        study.recipe,
        connected=False,
        replicate=0,
        architecture_seed=seeds.architecture(study.seed, proposal.number, 0),
        training_seed=seeds.training(study.seed, proposal.number, 0),
    )
    store.add_proposal(study.id, proposal, canonical(proposal.theta), [trial], NOW)
    for active in store.active_trials(study.id):
        attempt = store.add_attempt(
            active.id,
            NewAttempt(name=f"long-t{active.number}", token=f"token {active.number}", executor="local", gpus=0),
            NOW,
        )
        result = TrialResult(
            validation_accuracy=accuracy,
            validation_loss=1.0,
            diverged=False,
            epochs=proposal.fidelity,
            seconds=60.0,
            seconds_to_first_step=0.1,
            parameters=trial.parameters,
            device="cpu",
            network=None,
        )
        seen = Observation(phase=Phase.ENDED, result=result, exit_code=0, ended_at=NOW)
        store.accept_result(attempt.id, result, observation=seen, now=NOW)


def seconds_to_next_proposal(database: Path) -> float:
    """Starts the real command and looks for the proposal's row; then kills it, with what it started."""
    store = open_store(str(database))
    study = store.study("long")
    environment = {**os.environ, "NAGO_DATABASE_URL": str(database)}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "nago_orchestrator", "resume", "long"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while store.tally(study.id).proposals <= TRIALS and process.poll() is None:
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        if process.poll() is not None:
            raise RuntimeError(f"the orchestrator ended with {process.returncode}")
    finally:
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        process.wait()
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
