"""Where an attempt's output is found: in a file of this machine, or in the log of a pod. Called by `nago-orch logs`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Protocol

from nago_orchestrator.bootstrap import runs_folder
from nago_orchestrator.domain.rows import AttemptRow
from nago_orchestrator.errors import NotFoundError, needing
from nago_orchestrator.executors.local.log import LocalLog
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract.attempt_files import LOG_FILE

Say = Callable[[str], None]


class LogSource(Protocol):
    def read(self, tail: int | None, say: Say) -> list[str] | None:
        """The lines so far; None if there are none to be had, of which `say` may be told the reason."""
        ...

    def follow(self, tail: int | None, alive: Callable[[], bool], say: Say) -> Iterator[str]:
        """The lines so far, and further ones until the attempt is over."""
        ...


def log_source(study: str, attempt: AttemptRow, url: str) -> LogSource:
    """Raises NotFoundError for one that runs on another machine, InputError without a cluster."""
    store = open_store(url)
    if attempt.executor == "kubernetes":
        return _pod_log(study, attempt, store)
    path = runs_folder(store) / study / attempt.name / LOG_FILE
    node = attempt.node
    live = not attempt.state.is_final
    if live and not path.exists() and node not in (None, os.uname().nodename):
        raise NotFoundError(f"the attempt runs on {node}: its log is there, in {path}")
    return LocalLog(path)


def _pod_log(study: str, attempt: AttemptRow, store: Store) -> LogSource:
    with needing("kubernetes", what="the log of a pod"):
        from nago_orchestrator.executors.kubernetes.opening import open_pod_log  # here: the extra is optional

    section = StudySpec.from_canonical(store.study(study).spec).execution.kubernetes
    return open_pod_log(attempt.name, section.namespace if section is not None else None)
