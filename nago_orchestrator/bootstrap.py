"""Puts the parts together: from a study's row and a database's address to a loop that runs. What the commands call."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.control_loop.loop import run
from nago_orchestrator.control_loop.planner import Limits, Rules
from nago_orchestrator.control_loop.retries import RetryPolicy
from nago_orchestrator.control_loop.session import Session, StopSignal
from nago_orchestrator.control_loop.trial_sampling import TrialSampling
from nago_orchestrator.domain.dataset import summary_of
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.errors import InputError, StaleStateError, needing
from nago_orchestrator.evaluation.metrics import REPORTED
from nago_orchestrator.executors.local.dataset_check import check_dataset
from nago_orchestrator.executors.local.device_check import refuse_missing_device
from nago_orchestrator.executors.local.executor import LocalExecutor
from nago_orchestrator.executors.local.image_changes import image_changes
from nago_orchestrator.executors.port import DataJobs, Executor
from nago_orchestrator.paths import data_folder
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.final_training import EndedSearch, final_recipe
from nago_orchestrator.search.proposers.port import Proposer
from nago_orchestrator.search.proposers.replay import rebuild
from nago_orchestrator.search.rung_checkpoints import unneeded_checkpoints
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.kubernetes import KubernetesSection
from nago_orchestrator.store.lock import describe_holder
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract.back_off import BackOff
from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.data_source import DataSource

if TYPE_CHECKING:  # the extra is optional
    from nago_orchestrator.executors.kubernetes.executor import KubernetesExecutor

GARBAGE_OBJECTS = 20_000
"""New objects after which the garbage collector looks for rings among them: more than the drawing of a trial makes."""
LONGEST_PAUSE = 600.0
"""Seconds before a retry."""
GOING_ON = (StudyState.RUNNING, StudyState.PAUSED)
"""A study in another state has no proposals or evaluations any more; its attempts are only ended."""


def runs_folder(store: Store) -> Path:
    """Where the attempts of a database's studies work: beside an SQLite file, else in the user's data folder.

    Raises DatabaseError: two schemas of one PostgreSQL database have two folders.
    """
    if store.file is not None:
        return store.file.with_name(store.file.name + ".runs")
    return runs_folder_of_server(store.address, store.other_schema())


def runs_folder_of_server(address: str, schema: str | None) -> Path:
    """`schema`: None for the usual one, which had no part in the name before others had."""
    place = address if schema is None else f"{address} {schema}"
    return data_folder() / "runs" / hashlib.sha256(place.encode()).hexdigest()[:12]


def run_study(
    name: str,
    url: str,
    *,
    on_event: Callable[[Event], None],
    stop: StopSignal | None = None,
    on_tick: Callable[[float], None] = lambda seconds: None,
    on_call: Callable[[str, str, float], None] = lambda verb, status, seconds: None,
) -> StudyState:
    """Run the study in this process until it ends, is paused, or `stop` says so.

    `on_tick` is told the seconds of each look and what followed from it, `on_call` verb, status and seconds of each
    request to a cluster. Raises HeldError if another orchestrator runs it.
    """
    store = open_store(url)
    try:
        return run_stored_study(store, name, on_event=on_event, stop=stop, on_tick=on_tick, on_call=on_call)
    finally:
        store.close()


def run_stored_study(
    store: Store,
    name: str,
    *,
    on_event: Callable[[Event], None],
    stop: StopSignal | None = None,
    on_tick: Callable[[float], None] = lambda seconds: None,
    on_call: Callable[[str, str, float], None] = lambda verb, status, seconds: None,
) -> StudyState:
    """As `run_study`, of a store that stays open and may run other studies in other threads."""
    study = _with_fingerprint(store, store.study(name))
    executor, data_jobs = _executor(store, study, on_call)
    try:
        session = open_session(store, study, executor, on_event, stop or StopSignal(), data_jobs)
        session.on_tick = on_tick
        gc.set_threshold(GARBAGE_OBJECTS)
        return run(session, time.sleep)
    finally:
        executor.close()


def _executor(
    store: Store, study: Study, on_call: Callable[[str, str, float], None]
) -> tuple[Executor, DataJobs | None]:
    """Where the study's attempts run, and what checks its images where only the trainers see them.

    Raises InputError if that place cannot be reached at all.
    """
    execution = StudySpec.from_canonical(study.spec).execution
    if execution.where == "kubernetes" and execution.kubernetes is not None:
        jobs = _kubernetes_executor(store, study, execution.kubernetes, on_call)
        return jobs, jobs if DATA_SETS[study.recipe.dataset.name].files else None
    if study.state in GOING_ON:
        for device in execution.devices or (execution.device,):
            refuse_missing_device(device)
    executor = LocalExecutor(runs_folder(store) / study.name, devices=execution.devices or ())
    if study.state in GOING_ON:
        executor.warm_up()
    return executor, None


def _kubernetes_executor(
    store: Store, study: Study, section: KubernetesSection, on_call: Callable[[str, str, float], None]
) -> KubernetesExecutor:
    refuse_file_for_jobs(store)
    with needing("kubernetes", what="Kubernetes"):  # imported here: the extra is optional
        from nago_orchestrator.executors.kubernetes.opening import open_client, open_executor, study_label

    client, label = open_client(on_call=on_call), study_label(study.name, study.created_at)
    return open_executor(client, section, label, role_prefix=store.logins.prefix)


def refuse_file_for_jobs(store: Store) -> None:
    """Raises InputError for an SQLite database: pods cannot reach it."""
    if store.file is not None:
        raise InputError(
            "trials on Kubernetes need PostgreSQL, and the database is a file",
            do="give --database postgresql://… or NAGO_DATABASE_URL",
        )


def open_session(
    store: Store,
    study: Study,
    executor: Executor,
    on_event: Callable[[Event], None],
    stop: StopSignal,
    data_jobs: DataJobs | None = None,
) -> Session:
    """The parts of the loop over one study; where it stands is read once the loop has the right to run it.

    `data_jobs`: where the study's images are to be checked by a Job.
    """
    spec = StudySpec.from_canonical(study.spec)
    return Session(
        study_id=study.id,
        study=study.name,
        sampling=sampling_of(spec, study.recipe),
        recipe=study.recipe,
        final_recipe=final_recipe(study.recipe, spec.final_training.recipe_changes()),
        objectives=study.objectives,
        rules=_rules(spec),
        gpus=spec.execution.gpus,
        gpu_share=spec.execution.gpu_share,
        store=store,
        executor=executor,
        stop=stop,
        on_event=on_event,
        clock=lambda: datetime.now(UTC),
        holder=lambda: describe_holder(datetime.now(UTC)),
        image_changes=lambda: image_changes(study.recipe.dataset) if spec.execution.where == "local" else None,
        data_jobs=data_jobs,
        unneeded_checkpoints=lambda proposal: unneeded_checkpoints(
            spec.search, spec.fidelities, store.rung_trials(study.id), proposal
        ),
        restore=lambda: _restore(store, study.name, spec),
    )


def sampling_of(spec: StudySpec, recipe: TrainingRecipe) -> TrialSampling:
    """How a study's networks are sampled; needs no row of the study."""
    return TrialSampling(study_seed=spec.seed, connected=spec.search_space().connected, recipe=recipe)


def _restore(store: Store, name: str, spec: StudySpec) -> tuple[Proposer, int]:
    study = _stopped_for_images(store, store.study(name), spec)
    proposals, evaluations = store.history(study.id)
    if study.state not in GOING_ON or any(proposal.final_training for proposal in proposals):
        return EndedSearch(), len(evaluations)
    proposer = make_proposer(spec, study.recipe, study.prior)
    rebuild(proposer, proposals, evaluations)
    return proposer, len(evaluations)


def _with_fingerprint(store: Store, study: Study) -> Study:
    """A study of before takes its fingerprint when it is first run again, and keeps it from then on.

    Raises InputError where there are no images to look at.
    """
    spec, dataset = StudySpec.from_canonical(study.spec), study.recipe.dataset
    known = study.dataset is not None or not DATA_SETS[dataset.name].files
    if known or spec.execution.where != "local" or study.state not in GOING_ON:
        return study
    report = check_dataset(DataSource.of(dataset))
    recipe = replace(study.recipe, dataset=replace(dataset, fingerprint=report.fingerprint))
    store.set_dataset(study.id, recipe, summary_of(report, recipe.training.batch_size))
    return store.study(study.name)


def _stopped_for_images(store: Store, study: Study, spec: StudySpec) -> Study:
    """The study, stopped if it would go on with other images than it began with.

    Raises ImageStorageError where that cannot be told at the moment; the study stays as it is.
    """
    if study.state is not StudyState.RUNNING or spec.execution.where != "local":
        return study
    changes = image_changes(study.recipe.dataset)
    if changes is None:
        return study
    with suppress(StaleStateError):  # somebody paused or cancelled it just now
        store.move_study(study.id, StudyState.FAILED, message=changes, now=datetime.now(UTC))
    return store.study(study.name)


def _rules(spec: StudySpec) -> Rules:
    limits, retries = spec.limits, spec.retries
    return Rules(
        parallelism=spec.execution.parallelism,
        replicates=spec.architectures_per_proposal,
        limits=Limits(
            trials=limits.trials,
            wall_time=None if limits.wall_time is None else timedelta(seconds=limits.wall_time),
            gpu_hours=limits.gpu_hours,
            failed_fraction=limits.failed_fraction,
        ),
        retries=RetryPolicy(
            infrastructure=retries.infrastructure,
            defect=retries.defect,
            back_off=BackOff(first=retries.pause, longest=LONGEST_PAUSE),
        ),
        measures=tuple(REPORTED[objective.name] for objective in spec.objectives if objective.name in REPORTED),
    )
