"""How long the executor waits for a cluster that is slow, and how long it leaves one alone that does not answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from nago_orchestrator.executors.kubernetes.api.watch import WatchTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorTiming:
    watch: WatchTiming = field(default_factory=WatchTiming)
    first_list_seconds: float = 2.0
    """How long an observation waits for the first list of Jobs."""
    request_seconds: float = 0.05
    """How long the loop waits for requests that it has started: there is other work meanwhile."""
    close_seconds: float = 20.0
    """How long deletions that fail are tried again before this process ends."""
    close_pause_seconds: float = 0.5
    """Between two such tries."""
    unavailable: timedelta = timedelta(seconds=5)
    """An API server that did not answer is sent nothing but what is new for so long."""
    refused: timedelta = timedelta(seconds=5)
    """Before a Job that could not be created is created again."""
