"""Attempts whose Jobs the API server does not let be created now, and for how long already. Called by the executor."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.states import Failure
from nago_orchestrator.executors.kubernetes.api.errors import ApiError, ApiForbiddenError, ApiUnavailableError
from nago_orchestrator.executors.kubernetes.manifest.settings import WaitLimits

NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class _Refusal:
    until: datetime
    since: datetime
    message: str
    limit: timedelta
    """How long the attempt may be refused before it is given up."""
    failure: Failure


class Refusals:
    """By attempt. Background requests note them while the loop reads."""

    def __init__(self, limits: WaitLimits, pause: timedelta) -> None:
        """`pause`: before the next try."""
        self._limits = limits
        self._pause = pause
        self._refused: dict[str, _Refusal] = {}

    def note(self, name: str, error: ApiError, now: datetime) -> bool:
        """Whether it is the first time in a row."""
        before = self._refused.get(name)
        since = before.since if before else now
        limit, failure = _verdict(error, self._limits)
        self._refused[name] = _Refusal(now + self._pause, since, str(error), limit, failure)
        return before is None

    def forget(self, name: str) -> None:
        self._refused.pop(name, None)

    def keep_only(self, names: Collection[str]) -> None:
        for name in list(self._refused):
            if name not in names:
                self.forget(name)

    def observe(self, name: str, now: datetime) -> Observation | None:
        """Absent once it should be created again; None for one that is not refused."""
        refusal = self._refused.get(name)
        if refusal is None:
            return None
        if now - refusal.since >= refusal.limit:
            return Observation(
                phase=Phase.ENDED,
                failure=refusal.failure,
                reason="NotCreated" if refusal.failure is Failure.INFRASTRUCTURE else "JobRefused",
                message=refusal.message,
                ended_at=now,
            )
        phase = Phase.PENDING if now < refusal.until else Phase.ABSENT
        return Observation(phase=phase, reason="NotCreated", message=refusal.message)


def _verdict(error: ApiError, limits: WaitLimits) -> tuple[timedelta, Failure]:
    """How long such a refusal may last, and what the attempt's failure is then.

    A right, a policy, a webhook, a quota and a namespace can be put in order while the study runs. A Job that is not
    valid stays so, and each try would be refused alike.
    """
    if isinstance(error, ApiUnavailableError) or (isinstance(error, ApiForbiddenError) and error.is_quota):
        return limits.quota, Failure.INFRASTRUCTURE
    if isinstance(error, ApiForbiddenError) or error.status == NOT_FOUND:
        return limits.container, Failure.INFRASTRUCTURE
    return timedelta(0), Failure.DEFECT
