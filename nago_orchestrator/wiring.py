"""Puts the parts together: from a study's row and a database's address to a loop that runs. What the commands call."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nago_orchestrator.domain import StudyState, TrainingRecipe
from nago_orchestrator.draws import Draw, compare_draws
from nago_orchestrator.errors import ExecutorError, HeldError, InputError, NagoError
from nago_orchestrator.events import Event
from nago_orchestrator.executors.dataset_check import DatasetFacts, describe_dataset
from nago_orchestrator.executors.local import LocalExecutor
from nago_orchestrator.executors.port import Executor
from nago_orchestrator.loop import run
from nago_orchestrator.places import data_folder
from nago_orchestrator.proposers.port import Proposer
from nago_orchestrator.proposers.replay import Difference, rebuild, verify
from nago_orchestrator.reconcile import Limits, RetryPolicy, Rules
from nago_orchestrator.serve import Server
from nago_orchestrator.serve_http import serve_pages, text_page
from nago_orchestrator.session import Session, StopSignal
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store.lock import describe_holder
from nago_orchestrator.store.records import NewStudy, Study
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract import DatasetSettings, TrainingSettings

GOING_ON = (StudyState.RUNNING, StudyState.PAUSED)
"""A study in another state asks for nothing and tells nothing any more; what is left of it is only wound up."""


def runs_folder(store: Store) -> Path:
    """Where the attempts of a database's studies work: beside an SQLite file, else in the user's data folder."""
    if store.file is not None:
        return store.file.with_name(store.file.name + ".runs")
    digest = hashlib.sha256(store.address.encode()).hexdigest()[:12]
    return data_folder() / "runs" / digest


def submit_study(spec: StudySpec, url: str, now: datetime) -> Study:
    """Check the dataset and store the study; the same name with the same spec is the study that is there already.

    Raises InputError for a dataset that cannot be used, SpecError for the same name with another spec.
    """
    store = open_store(url)
    section = spec.trainer.dataset
    facts = describe_dataset(section.name, section.path)
    new = NewStudy(
        name=spec.name,
        spec=spec.canonical(),
        spec_hash=spec.digest(),
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=_recipe(spec, facts),
    )
    return store.create_study(new, now)


def _recipe(spec: StudySpec, facts: DatasetFacts) -> TrainingRecipe:
    trainer, execution = spec.trainer, spec.execution
    return TrainingRecipe(
        dataset=DatasetSettings(
            name=trainer.dataset.name,
            path=trainer.dataset.path,
            image_size=trainer.dataset.image_size,
            channels=facts.channels,
            classes=facts.classes,
            validation_fraction=trainer.dataset.validation_fraction,
            split_seed=spec.seed,
        ),
        training=TrainingSettings(
            batch_size=trainer.batch_size,
            learning_rate=trainer.learning_rate,
            momentum=trainer.momentum,
            weight_decay=trainer.weight_decay,
            gradient_clip=trainer.gradient_clip,
            label_smoothing=trainer.label_smoothing,
            dropout=trainer.dropout,
            crop_padding=trainer.crop_padding,
            horizontal_flip=trainer.horizontal_flip,
            cutout=trainer.cutout,
        ),
        parameter_limit=trainer.parameter_limit,
        device=execution.device,
        threads=execution.threads,
        keep_network=trainer.keep_networks,
    )


def run_study(
    name: str,
    url: str,
    *,
    on_event: Callable[[Event], None],
    stop: StopSignal | None = None,
    on_tick: Callable[[float], None] = lambda seconds: None,
) -> StudyState:
    """Run the study in this process until it ends, is paused, or `stop` says so.

    Raises HeldError if another orchestrator runs it.
    """
    store = open_store(url)
    study = store.study(name)
    executor = LocalExecutor(runs_folder(store) / name)
    try:
        if study.state in GOING_ON:
            executor.warm_up()
        session = open_session(store, study, executor, on_event, stop or StopSignal())
        session.on_tick = on_tick
        return run(session, time.sleep)
    finally:
        executor.close()


def serve_studies(
    url: str, where: str, *, host: str, port: int, leave: threading.Event, write: Callable[[dict[str, object]], None]
) -> None:
    """Run all active studies of that `execution.where` until `leave` is set; `write` gets the log's lines as fields.

    Raises InputError if the port is taken.
    """
    from nago_orchestrator.metrics import Metrics

    store = open_store(url)
    metrics = Metrics(store)

    def log(event: str, message: str, *, study: str | None = None, error: bool = False) -> None:
        level = "error" if error else "info"
        write({"level": level, "event": event, "message": message, **({"study": study} if study else {})})

    def run_one(name: str) -> StudyState:
        def on_event(event: Event) -> None:
            metrics.events.labels(study=name, event=event.kind.value).inc()
            write({"level": "info", "study": name, **event.fields()})

        return run_study(name, url, on_event=on_event, stop=StopSignal(leave), on_tick=metrics.tick_seconds.observe)

    server = Server(
        store=store,
        run_study=run_one,
        holder=lambda: describe_holder(datetime.now(UTC)),
        log=log,
        clock=lambda: datetime.now(UTC),
        serves=lambda study: bool(study.spec["execution"]["where"] == where),
        leave=leave,
    )
    pages = serve_pages(
        host,
        port,
        {
            "/healthz": text_page(lambda: True, good="alive", bad=""),
            "/readyz": text_page(lambda: server.is_ready, good="ready", bad="the database has not answered lately"),
            "/metrics": metrics.page,
        },
    )
    log("listening", f"pages on port {pages.server_port}")
    try:
        server.run()
    finally:
        pages.shutdown()
        pages.server_close()
        log("left", "trials that run go on; the next server adopts them")


def open_session(
    store: Store, study: Study, executor: Executor, on_event: Callable[[Event], None], stop: StopSignal
) -> Session:
    """The parts of the loop over one study; where it stands is read once the loop has the right to run it."""
    spec = StudySpec.from_canonical(study.spec)
    return Session(
        study_id=study.id,
        study=study.name,
        draw=_draw(study, spec),
        recipe=study.recipe,
        objectives=study.objectives,
        rules=_rules(spec),
        gpus=spec.execution.gpus,
        store=store,
        executor=executor,
        stop=stop,
        on_event=on_event,
        clock=lambda: datetime.now(UTC),
        new_token=lambda: secrets.token_hex(16),
        hold=lambda: store.hold(study.id, describe_holder(datetime.now(UTC))),
        remember=lambda: _remember(store, study.name, spec),
    )


def _draw(study: Study, spec: StudySpec) -> Draw:
    return Draw(study_seed=study.seed, connected=spec.search_space().connected, recipe=study.recipe)


def _remember(store: Store, name: str, spec: StudySpec) -> tuple[Proposer, int]:
    study = store.study(name)
    proposals, evaluations = store.history(study.id)
    proposer = make_proposer(spec)
    if study.state in GOING_ON:
        rebuild(proposer, proposals, evaluations)
    return proposer, len(evaluations)


def make_proposer(spec: StudySpec) -> Proposer:
    """A proposer that has been told nothing yet. Its libraries are loaded here, and only its own.

    Raises InputError where they are not installed.
    """
    search = spec.search
    if search.algorithm == "random":
        from nago_orchestrator.proposers.random_search import RandomSearch

        return RandomSearch(
            space=spec.search_space(),
            study_seed=spec.seed,
            fidelity=spec.fidelities[-1],
            proposals=search.proposals,
        )
    try:
        from nago_orchestrator.proposers.bohb import Bohb
        from nago_orchestrator.proposers.hpbandster_fence import ModelOptions
    except ModuleNotFoundError as error:
        raise InputError(
            f"the search by BOHB needs {error.name}, which is not installed: pip install 'nago-orchestrator[bohb]'"
        ) from error

    names = [objective.name for objective in spec.objectives]
    return Bohb(
        space=spec.search_space(),
        study_seed=spec.seed,
        ladder=spec.fidelities,
        brackets=search.iterations,
        objective=names.index(search.objective or names[0]),
        options=ModelOptions(
            min_points_in_model=search.min_points_in_model,
            top_n_percent=search.top_n_percent,
            num_samples=search.num_samples,
            random_fraction=search.random_fraction,
            bandwidth_factor=search.bandwidth_factor,
            min_bandwidth=search.min_bandwidth,
        ),
    )


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
            infrastructure=retries.infrastructure, defect=retries.defect, pause=timedelta(seconds=retries.pause)
        ),
    )


def run_detached(name: str, url: str) -> int:
    """Run the study in a process of its own that outlives this one; gives its pid. What it prints goes to a log."""
    store = open_store(url)
    folder = runs_folder(store) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "orchestrator.log").open("ab")
    except OSError as error:
        raise ExecutorError(f"Attempts cannot run in the folder {folder}: {error.strerror}.") from error
    command = [sys.executable, "-m", "nago_orchestrator", "resume", name]
    # The address may hold a password: it goes through the environment, never through the arguments.
    environment = {**os.environ, "NAGO_DATABASE_URL": url}
    with log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    return process.pid


def resume_study(name: str, url: str, now: datetime) -> Study:
    """Let a paused or failed study run again; a completed one stays so. Raises NagoError for one that was cancelled."""
    store = open_store(url)
    study = store.study(name)
    if study.state is StudyState.CANCELLED:
        raise NagoError(f"the study {name} is cancelled: there is nothing to resume")
    if study.state in (StudyState.PAUSED, StudyState.FAILED):
        store.move_study(study.id, StudyState.RUNNING, message=None, now=now)
    return store.study(name)


def pause_study(name: str, url: str, now: datetime) -> Study:
    """No new trials; those that run come to their end."""
    store = open_store(url)
    study = store.study(name)
    if study.state is StudyState.PAUSED:
        return study
    if study.state is not StudyState.RUNNING:
        raise NagoError(f"the study {name} is {study.state}: only a running one can be paused")
    store.move_study(study.id, StudyState.PAUSED, message="paused by the user", now=now)
    return store.study(name)


def cancel_study(name: str, url: str, now: datetime) -> Study:
    """The study is over; trials that run are stopped by whoever runs it, or here if nobody does."""
    store = open_store(url)
    study = store.study(name)
    if study.state is StudyState.COMPLETED:
        raise NagoError(f"the study {name} is completed: there is nothing to cancel")
    if study.state is not StudyState.CANCELLED:
        store.move_study(study.id, StudyState.CANCELLED, message="cancelled by the user", now=now)
    if store.holder(study.id) is None:
        with suppress(HeldError):  # somebody took it up just now, and winds it up
            run_study(name, url, on_event=lambda event: None)
    return store.study(name)


def verify_replay(name: str, url: str) -> tuple[Difference, ...]:
    """Ask a new proposer for every proposal again and compare; empty if all are the same."""
    store = open_store(url)
    study = store.study(name)
    proposals, evaluations = store.history(study.id)
    return verify(make_proposer(StudySpec.from_canonical(study.spec)), proposals, evaluations)


def verify_draws(name: str, url: str, on_progress: Callable[[int, int], None]) -> tuple[Difference, ...]:
    """Draw every trial again from theta and seeds and compare; `on_progress` is given trials done and in all."""
    store = open_store(url)
    study = store.study(name)
    proposals, _ = store.history(study.id)
    stored = store.drawn_trials(study.id)
    draw = _draw(study, StudySpec.from_canonical(study.spec))
    return compare_draws(draw, proposals, stored, lambda done: on_progress(done, len(stored)))


def trial_log(name: str, attempt: str, url: str) -> Path | None:
    """The file with what an attempt printed; None once it is gone."""
    path = runs_folder(open_store(url)) / name / attempt / "log.txt"
    return path if path.exists() else None
