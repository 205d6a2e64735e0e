"""What a trial tells the orchestrator through the database, however long that is away. Called by database attempts.

A thread of its own sends the epochs, so that training never waits for the network. What cannot be sent stays in line
until the database is back; a result is sent for some minutes, and stands in the termination message before that.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable

from nago_trainer.attempt.postgres import AttemptDatabase, DatabaseDownError, DatabaseRefusedError, Session
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.errors import SupersededError, UnavailableError

RESULT_SECONDS = 300.0
"""How long a result is sent again and again."""
LAST_EPOCHS_SECONDS = 10.0
"""How long the last epochs of a failed training are waited for."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0


class DatabaseReport:
    """`on_message` is called when the result stands in the termination message: from now on nothing can be lost."""

    def __init__(
        self,
        database: AttemptDatabase,
        message: TerminationMessage,
        *,
        on_message: Callable[[], None],
        result_seconds: float = RESULT_SECONDS,
    ) -> None:
        self._database = database
        self._message = message
        self._on_message = on_message
        self._result_seconds = result_seconds
        self._line: deque[EpochRecord | TrialResult] = deque()
        self._changed = threading.Condition()
        self._superseded = False
        self._closed = False
        self.stored = False
        """Whether the result is in the database."""
        self._sender = threading.Thread(target=self._send_all, name="report", daemon=True)
        self._sender.start()

    def epoch(self, record: EpochRecord) -> None:
        """Returns at once. Raises SupersededError once the database has said that nobody waits for a result."""
        self._put(record)
        self._raise_if_superseded()

    def result(self, result: TrialResult) -> None:
        """Returns when the result is stored, or stands in the termination message and the database stays away.

        Raises SupersededError, and UnavailableError where neither way was open.
        """
        written = self._message.result(result)
        if written:
            self._on_message()
        self._put(result)
        sent = self._close_when_sent(self._result_seconds)
        self._raise_if_superseded()
        self.stored = sent
        if not sent and not written:
            raise UnavailableError("the result could neither be stored nor be written as termination message")

    def failure(self, *, kind: str, reason: str, message: str) -> None:
        self._message.failure(kind=kind, reason=reason, message=message)
        self._close_when_sent(LAST_EPOCHS_SECONDS)

    def _put(self, item: EpochRecord | TrialResult) -> None:
        with self._changed:
            self._line.append(item)
            self._changed.notify_all()

    def _close_when_sent(self, seconds: float) -> bool:
        """Whether all was sent in that time; what was not is given up."""
        with self._changed:
            sent = self._changed.wait_for(lambda: not self._line or self._superseded, timeout=seconds)
            self._closed = True
            self._changed.notify_all()
            return sent

    def _raise_if_superseded(self) -> None:
        if self._superseded:
            raise SupersededError("nobody waits for a result: the attempt is over, or a newer one has taken its place")

    def _send_all(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._superseded and not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._line or self._closed)
            if not self._line:
                return
            try:
                with self._database.session() as session:
                    while self._line and not self._superseded:
                        self._send(session, self._line[0])
                        pause = FIRST_PAUSE_SECONDS
            except DatabaseDownError as error:
                _note(f"the database is away, trying again in {pause:.1f} s: {error}")
            except DatabaseRefusedError as error:
                _note(f"the database refuses this attempt, trying again in {pause:.1f} s: {error}")
            else:
                continue
            self._rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, timeout=seconds)

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
            self._line.popleft()
            self._changed.notify_all()


def _note(text: str) -> None:
    sys.stderr.write(f"{text}\n")
