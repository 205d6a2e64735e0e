"""What is known of a study's trials and attempts that have ended, beyond their number. Sums that can be added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nago_orchestrator.domain.states import TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCause:
    """Failed attempts of one reason, without those that were stopped by our own will."""

    attempts: int
    message: str
    """The last of theirs by the alphabet; empty where none has one."""

    def __add__(self, other: FailureCause) -> FailureCause:
        return FailureCause(attempts=self.attempts + other.attempts, message=max(self.message, other.message))


NONE_FAILED = FailureCause(attempts=0, message="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Trials and causes are of the time since the study began or was resumed."""

    trials: Mapping[TrialState, int]
    causes: Mapping[str, FailureCause]
    """By reason."""
    gpu_seconds: float
    """Of all attempts that have ended, at any time."""

    def __add__(self, other: Ends) -> Ends:
        reasons = {*self.causes, *other.causes}
        return Ends(
            trials=Counter(self.trials) + Counter(other.trials),
            causes={
                reason: self.causes.get(reason, NONE_FAILED) + other.causes.get(reason, NONE_FAILED)
                for reason in reasons
            },
            gpu_seconds=self.gpu_seconds + other.gpu_seconds,
        )

    @property
    def common_failure(self) -> str | None:
        """The most frequent cause as `reason: message`; None if no attempt failed."""
        if not self.causes:
            return None
        reason = min(self.causes, key=lambda reason: (-self.causes[reason].attempts, reason))
        return ": ".join(part for part in (reason, self.causes[reason].message) if part)
