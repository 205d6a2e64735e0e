"""Serving: all active studies of a database, by one process at a time."""

from __future__ import annotations

import itertools
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from nago_orchestrator.control_loop.session import StopSignal
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.errors import HeldError, NagoError
from nago_orchestrator.server.http_pages import serve_pages, text_page
from nago_orchestrator.server.metrics import Metrics
from nago_orchestrator.server.server import RETRY_SECONDS, Server
from nago_orchestrator.store.lease_rows import SERVING
from nago_orchestrator.store.store import Store
from tests.databases import POSTGRESQL_IS_SLOW
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, create, small_spec
from tests.waiting import PATIENCE_SECONDS, until

pytestmark = POSTGRESQL_IS_SLOW

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Serving:
    """A server in a thread, with the real loop over simulated trainings."""

    store: Store
    name: str
    executor: SimulatedExecutor
    broken: Mapping[str, Exception]
    """Studies whose loop fails, and how."""
    lines: list[tuple[str, str | None]] = field(default_factory=list)
    leave: threading.Event = field(default_factory=threading.Event)
    ahead: timedelta = timedelta(0)
    """How far a test has moved the clock on, which goes by itself only from one reading to the next."""

    def __post_init__(self) -> None:
        readings = itertools.count()
        self.server = Server(
            store=self.store,
            run_study=self._run,
            holder=lambda: self.name,
            log=self._log,
            clock=lambda: EPOCH + self.ahead + timedelta(microseconds=next(readings)),
            leave=self.leave,
            serves=lambda study: study.name != "elsewhere",
            look_seconds=0.05,
            take_over_seconds=0.05,
        )
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()

    def looks_again(self) -> None:
        """Returns once every study was looked at after this call."""
        for _ in range(2):  # the first look may have begun before
            last = self.server.last_look
            until(lambda last=last: self.server.last_look != last)  # type: ignore[misc]  # a default binds the loop's variable

    def end(self) -> None:
        self.leave.set()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()

    def _run(self, name: str) -> StudyState:
        if name in self.broken:
            raise self.broken[name]
        study = self.store.study(name)
        stop = StopSignal(self.leave)
        return Orchestrator(self.store, study, self.executor, stop=stop, sleep=lambda seconds: time.sleep(0.01)).run()

    def _log(self, event: str, message: str, *, study: str | None = None, error: bool = False) -> None:
        self.lines.append((event, study))


@pytest.fixture
def serve(store: Store) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(
        name: str = "server one",
        executor: SimulatedExecutor | None = None,
        broken: Mapping[str, Exception] | None = None,
    ) -> Serving:
        started.append(Serving(store, name, executor or SimulatedExecutor(), broken or {}))
        return started[-1]

    yield start
    for serving in started:
        serving.end()


def test_studies_are_run_whenever_they_are_submitted(store: Store, serve: Callable[..., Serving]) -> None:
    create(store, small_spec(name="elsewhere"))
    create(store, small_spec(name="first", limits="{trials: 4}"))
    serving = serve()
    until(lambda: store.study("first").state is StudyState.COMPLETED)
    create(store, small_spec(name="second", limits="{trials: 3}"))
    until(lambda: store.study("second").state is StudyState.COMPLETED)
    assert store.holder(SERVING) == "server one"
    assert serving.server.is_ready
    assert store.tally(store.study("elsewhere").id).proposals == 0, "not for this server"
    serving.end()
    assert store.holder(SERVING) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "event"),
    [
        (NagoError("the loop of this study is broken"), "study_trouble"),
        (HeldError("somebody else runs this study"), "study_held"),
        (ZeroDivisionError("a fault of ours"), "study_fault"),
    ],
)
def test_a_study_whose_loop_fails_does_not_disturb_the_others(
    store: Store, serve: Callable[..., Serving], error: Exception, event: str
) -> None:
    create(store, small_spec(name="broken"))
    create(store, small_spec(name="sound", limits="{trials: 3}"))
    serving = serve(broken={"broken": error})
    until(lambda: store.study("sound").state is StudyState.COMPLETED)
    until(lambda: (event, "broken") in serving.lines)
    serving.looks_again()
    assert serving.lines.count(("study_begins", "broken")) == 1, "not at once"
    serving.ahead = timedelta(seconds=RETRY_SECONDS)
    until(lambda: serving.lines.count((event, "broken")) == 2, lambda: "not tried again")
    assert store.study("broken").state is StudyState.RUNNING


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (StudyState.PAUSED, {TrialState.SUCCEEDED: 1}),
        (StudyState.CANCELLED, {TrialState.CANCELLED: 1}),
        (StudyState.FAILED, {TrialState.QUEUED: 1}),
    ],
)
def test_trials_of_a_study_that_stopped_while_nobody_served_are_seen_to_their_end(
    store: Store, serve: Callable[..., Serving], state: StudyState, left: dict[TrialState, int]
) -> None:
    study = create(store, small_spec())
    executor = SimulatedExecutor(looks_until_end=10**9)
    first = serve("server one", executor)
    until(lambda: store.tally(study.id).live_attempts == 1)
    first.end()
    store.move_study(study.id, state, message="meanwhile", now=datetime.now(UTC))
    executor.finish()
    serve("server two", executor)
    until(lambda: store.tally(study.id).live_attempts == 0)
    assert {found: count for found, count in store.tally(study.id).trials.items() if count} == left
    assert store.study("small").state is state


def test_leaving_lets_trials_run_on_and_the_next_server_adopts_them(
    store: Store, serve: Callable[..., Serving]
) -> None:
    study = create(store, small_spec(limits="{trials: 2}"))
    executor = SimulatedExecutor(looks_until_end=10**9)
    first = serve("server one", executor)
    until(lambda: store.tally(study.id).live_attempts == 1)
    second = serve("server two", executor)
    until(lambda: ("waiting", None) in second.lines)
    first.end()
    assert executor.stopped == []
    assert store.tally(study.id).live_attempts == 1
    executor.finish()
    until(lambda: store.study("small").state is StudyState.COMPLETED)
    assert store.holder(SERVING) == "server two"
    assert store.tally(study.id).trials[TrialState.SUCCEEDED] == 2
    assert executor.started == ["small-t00000-a1", "small-t00001-a1"]


def test_the_pages_tell_health_readiness_and_true_counts(store: Store) -> None:
    study = create(store, small_spec())
    orchestrator = Orchestrator(store, study, SimulatedExecutor(looks_until_end=20))
    orchestrator.sleep = lambda seconds: orchestrator.stop.request()
    assert orchestrator.run() is StudyState.RUNNING
    ready = True
    pages = serve_pages(
        "127.0.0.1",
        0,
        {
            "/readyz": text_page(lambda: ready, good="ready", bad="no answer from the database"),
            "/metrics": Metrics(store).page,
        },
    )
    base = f"http://127.0.0.1:{pages.server_port}"
    try:
        assert _get(f"{base}/readyz") == (200, "ready")
        ready = False
        assert _get(f"{base}/readyz") == (503, "no answer from the database")
        assert _get(f"{base}/nothing")[0] == 404
        status, metrics = _get(f"{base}/metrics")
    finally:
        pages.shutdown()
        pages.server_close()
    assert status == 200
    assert 'nago_proposals{study="small"} 1.0' in metrics
    assert 'nago_trials{state="succeeded",study="small"} 1.0' in metrics
    assert 'nago_trials{state="failed",study="small"} 0.0' in metrics


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
