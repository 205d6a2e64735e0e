"""Reports of a trial through the database, which may be unreachable for a while.

A background thread sends the epochs, so that training never waits for the network. What cannot be sent stays in a queue
until the database answers; a result is written to the termination message first, then sent for some minutes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from nago_trainer.attempt.postgres import AttemptDatabase, DatabaseDownError, DatabaseRefusedError, Session
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.back_off import BackOff
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.errors import SupersededError, UnavailableError
from nago_trainer.log import log

BACK_OFF = BackOff(first=0.5, longest=15.0)
"""Between two tries while the database does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimits:
    """How long it is tried to send what is left at the end."""

    result_seconds: float = 300.0
    last_epochs_seconds: float = 10.0
    """Of a failed training."""


class DatabaseReport:
    """`on_message` is called once the result is in the termination message: from then on it cannot be lost."""

    def __init__(
        self,
        database: AttemptDatabase,
        message: TerminationMessage,
        *,
        on_message: Callable[[], None],
        limits: SendLimits | None = None,
    ) -> None:
        self._database = database
        self._message = message
        self._on_message = on_message
        self._limits = limits or SendLimits()
        self._queue: deque[EpochRecord | TrialResult] = deque()
        self._changed = threading.Condition()
        self._superseded = False
        self._closed = False
        self.stored = False
        """Whether the result is in the database."""
        self._sender = threading.Thread(target=self._send_all, name="report", daemon=True)
        self._sender.start()

    def epoch(self, record: EpochRecord) -> None:
        """Returns at once. Raises SupersededError once the database has answered that the result is not needed."""
        self._put(record)
        self._raise_if_superseded()

    def result(self, result: TrialResult) -> None:
        """Returns once the result is stored, or is in the termination message and the database stays unreachable.

        Raises SupersededError, and UnavailableError where neither way was open.
        """
        written = self._message.result(result)
        if written:
            self._on_message()
        self._put(result)
        sent = self._close_when_sent(self._limits.result_seconds)
        self._raise_if_superseded()
        self.stored = sent
        if not sent and not written:
            raise UnavailableError("the result could be stored neither in the database nor in the termination message")

    def failure(self, *, kind: str, reason: str, message: str) -> None:
        self._message.failure(kind=kind, reason=reason, message=message)
        self._close_when_sent(self._limits.last_epochs_seconds)

    def _put(self, item: EpochRecord | TrialResult) -> None:
        with self._changed:
            self._queue.append(item)
            self._changed.notify_all()

    def _close_when_sent(self, seconds: float) -> bool:
        """Whether all was sent in that time; what was not is given up."""
        with self._changed:
            sent = self._changed.wait_for(lambda: not self._queue or self._superseded, timeout=seconds)
            self._closed = True
            self._changed.notify_all()
            return sent

    def _raise_if_superseded(self) -> None:
        if self._superseded:
            raise SupersededError(
                "the result is not needed, because the attempt has ended or a newer one has replaced it"
            )

    def _send_all(self) -> None:
        failures = 0
        while not self._superseded and not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
            if not self._queue:
                return
            try:
                with self._database.session() as session:
                    while self._queue and not self._superseded:
                        self._send(session, self._queue[0])
                        failures = 0
            except (DatabaseDownError, DatabaseRefusedError) as error:
                does = "refuses this attempt" if isinstance(error, DatabaseRefusedError) else "does not answer"
                pause = BACK_OFF.jittered(failures)  # a thousand that failed at once do not come back at once
                _note(f"the database {does}, next try in {pause:.1f} s: {error}")
                failures += 1
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, timeout=pause)

    def _send(self, session: Session, item: EpochRecord | TrialResult) -> None:
        """An epoch that the database will never take is left out, so that it does not stand in the result's way."""
        try:
            wanted = session.add_epoch(item) if isinstance(item, EpochRecord) else session.add_result(item)
        except DatabaseRefusedError as error:
            if isinstance(item, TrialResult):
                raise
            _note(f"epoch {item.epoch} is not stored: {error}")
            wanted = True
        with self._changed:
            self._superseded = not wanted
            self._queue.popleft()
            self._changed.notify_all()


def _note(text: str) -> None:
    log(text)
