"""Runs all active studies of a database, each in a thread of its own, until it is told to leave. `nago-orch serve`.

One serving process works, further ones wait: the lease `SERVING` in the database says who it is. It is released at an
orderly end and runs out after any other, and the next one asks every TAKE_OVER_SECONDS.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.errors import DatabaseError, HeldError, NagoError
from nago_orchestrator.store.lease_rows import SERVING
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.store import Store

LOOK_SECONDS = 2.0
"""Between two looks for studies that have come to life."""
TAKE_OVER_SECONDS = 3.0
"""Between two tries to become the one that serves."""
RETRY_SECONDS = 15.0
"""Before a study whose loop ended with an error is tried again."""
READY_SECONDS = 60.0
"""How old the last good look at the database may be for readiness."""


class RunStudy(Protocol):
    """Runs one study until it ends, pauses or has to leave; the wiring's `run_study` with its parts filled in."""

    def __call__(self, name: str) -> StudyState: ...


class ServeLog(Protocol):
    """Where a serving process tells what happens; keyword arguments are fields of the line."""

    def __call__(self, event: str, message: str, *, study: str | None = None, error: bool = False) -> None: ...


@dataclass
class Server:
    store: Store
    run_study: RunStudy
    holder: Callable[[], str]
    """Who this process is, for others that ask."""
    log: ServeLog
    clock: Callable[[], datetime]
    serves: Callable[[Study], bool]
    """Which studies are this server's: those of a laptop's processes are not a cluster's."""
    leave: threading.Event
    """Set from outside: no study is stopped, its trials run on, the next server adopts them."""
    look_seconds: float = LOOK_SECONDS
    take_over_seconds: float = TAKE_OVER_SECONDS
    last_look: datetime | None = None
    """The last time that the database answered."""
    serving: bool = False
    _threads: dict[str, threading.Thread] = field(default_factory=dict)
    _not_before: dict[str, datetime] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether the database has answered lately; a server that waits for its turn is ready to take over."""
        return self.last_look is not None and (self.clock() - self.last_look).total_seconds() < READY_SECONDS

    def run(self) -> None:
        """Returns when it was told to leave and all loops have ended."""
        waiting_for: str | None = None
        while not self.leave.is_set():
            try:
                with self.store.hold(SERVING, self.holder()) as hold:
                    self.log("serving", "this process runs the studies of the database")
                    waiting_for = None
                    self._serve(hold.still_held)
            except HeldError as error:
                self.last_look = self.clock()
                if waiting_for is None:
                    self.log("waiting", str(error))
                waiting_for = str(error)
                self.leave.wait(self.take_over_seconds)
            except DatabaseError as error:
                self.log("database_trouble", str(error), error=True)
                self.leave.wait(self.take_over_seconds)
            finally:
                self.serving = False
        for thread in self._threads.values():
            thread.join()

    def _serve(self, still_held: Callable[[], bool]) -> None:
        self.serving = True
        while not self.leave.is_set() and still_held():
            unsettled = self.store.unsettled_studies()
            for study in self.store.studies():
                # One that is paused or over, too, as long as its trials run: somebody has to see how they end.
                is_open = study.state is StudyState.RUNNING or study.id in unsettled
                if is_open and self.serves(study) and self._may_begin(study.name):
                    self._start(study.name)
            self.last_look = self.clock()
            self.leave.wait(self.look_seconds)

    def _may_begin(self, name: str) -> bool:
        if name in self._threads and self._threads[name].is_alive():
            return False
        pause = self._not_before.get(name)
        return pause is None or pause <= self.clock()

    def _start(self, name: str) -> None:
        thread = threading.Thread(target=self._loop, args=(name,), name=f"study-{name}", daemon=True)
        self._threads[name] = thread
        thread.start()

    def _loop(self, name: str) -> None:
        self.log("study_begins", f"running study {name}", study=name)
        try:
            state = self.run_study(name)
        except HeldError as error:
            self._try_again(name, "study_held", str(error), is_error=False)
        except NagoError as error:
            self._try_again(name, "study_trouble", str(error), is_error=True)
        except Exception:  # noqa: BLE001  # a fault in one study's loop must not end it in silence
            self._try_again(name, "study_fault", traceback.format_exc(), is_error=True)
        else:
            self.log("study_left", f"study {name} is {state}", study=name)

    def _try_again(self, name: str, event: str, message: str, *, is_error: bool) -> None:
        self._not_before[name] = self.clock() + timedelta(seconds=RETRY_SECONDS)
        self.log(event, f"{message.rstrip()}; next try in {RETRY_SECONDS:g} s", study=name, error=is_error)
