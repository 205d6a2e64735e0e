"""What the commands do to a study: submit, pause, resume, cancel, verify; each opens the store, acts and answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from nago_orchestrator.bootstrap import refuse_file_for_jobs, run_study, runs_folder
from nago_orchestrator.control_loop.events import Event
from nago_orchestrator.domain.dataset import summary_of
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.errors import ExecutorError, HeldError, NagoError
from nago_orchestrator.services.admission import new_study, stored_study
from nago_orchestrator.services.preview import refuse_impossible
from nago_orchestrator.services.training_configuration import look_at_images, recipe_of, refuse_unable_machine
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.store import open_store


def submit_study(
    spec: StudySpec, url: str, now: datetime, *, on_doubt: Callable[[str], None] = lambda sentence: None
) -> Study:
    """Check the dataset and store the study; the same name with the same spec is the study that is there already.

    One that is there goes on as it began: its images are not judged anew, by rules that it may not have begun with.
    Raises InputError for a dataset that cannot be used, SpecError for a pod template that could never be sent, and for
    the same name with another spec. `on_doubt` is told what the template does that is not known to be good.
    """
    store = open_store(url)
    stored = stored_study(store, spec)
    if stored is not None:
        refuse_unable_machine(spec)
        return stored
    report = look_at_images(spec)
    recipe = recipe_of(spec, report)
    doubts = refuse_impossible(spec, recipe, now)
    if spec.execution.where == "kubernetes":
        refuse_file_for_jobs(store)
    dataset = None if report is None else summary_of(report, spec.trainer.batch_size)
    study = store.create_study(new_study(store, spec, recipe, dataset), now)
    for doubt in doubts:
        on_doubt(doubt)
    return study


def run_detached(name: str, url: str) -> int:
    """Run the study in a process of its own that outlives this one; gives its pid. What it prints goes to a log."""
    store = open_store(url)
    folder = runs_folder(store) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "orchestrator.log").open("ab")
    except OSError as error:
        raise ExecutorError(
            f"cannot create the folder of the study's attempts: {error.strerror}", where=folder
        ) from error
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
        raise NagoError(f"the study {name} is cancelled and cannot be resumed")
    if study.state in (StudyState.PAUSED, StudyState.FAILED):
        store.move_study(study.id, StudyState.RUNNING, message=None, now=now)
    return store.study(name)


def pause_study(name: str, url: str, now: datetime) -> Study:
    """No new trials; those that run finish."""
    store = open_store(url)
    study = store.study(name)
    if study.state is StudyState.PAUSED:
        return study
    if study.state is not StudyState.RUNNING:
        raise NagoError(f"the study {name} is {study.state}, and only a running study can be paused")
    store.move_study(study.id, StudyState.PAUSED, message="paused by the user", now=now)
    return store.study(name)


def cancel_study(name: str, url: str, now: datetime, on_event: Callable[[Event], None] = lambda event: None) -> Study:
    """The study is over; trials that run are stopped by whoever runs it, or here if nobody does.

    `on_event` hears of the latter, which waits while e.g. the folder of the attempts cannot be used.
    """
    store = open_store(url)
    study = store.study(name)
    if study.state is StudyState.COMPLETED:
        raise NagoError(f"the study {name} is completed and cannot be cancelled")
    if study.state is not StudyState.CANCELLED:
        store.move_study(study.id, StudyState.CANCELLED, message="cancelled by the user", now=now)
    if store.holder(study.id) is None:
        with suppress(HeldError):  # somebody took it up just now, and winds it up
            run_study(name, url, on_event=on_event)
    return store.study(name)
