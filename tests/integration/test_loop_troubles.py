"""The loop where memory and rows may differ: a write whose fate is unknown, a study that moved on before the hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import pytest

from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.domain.attempts import Observation
from nago_orchestrator.domain.proposals import Evaluation, Proposal
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.errors import DatabaseError, ExecutorError
from nago_orchestrator.store.store import Store, open_store
from nago_trainer.contract.task import TrialTask
from tests.databases import POSTGRESQL_IS_SLOW
from tests.simulated_executor import SimulatedExecutor
from tests.studies import Orchestrator, create, small_spec

pytestmark = POSTGRESQL_IS_SLOW

Rows = tuple[tuple[Proposal, ...], tuple[Evaluation, ...]]
PLANNED = 26
"""Proposals of two cycles of 4+2+1, 2+1 and 3."""


class FailingStore(Store):
    """Every third call of one write fails: before anything was written, or with the commit, done but unheard."""

    def __init__(self, store: Store, *, write: str, after_commit: bool) -> None:
        self._write_name, self._after_commit = write, after_commit
        self.calls = 0
        self._fails = False
        super().__init__(store._engine)

    def __getattribute__(self, name: str):  # type: ignore[no-untyped-def]  # any method of the store
        found = super().__getattribute__(name)
        if name.startswith("_") or name != self._write_name:
            return found

        def write(*arguments: object, **named: object) -> object:
            self.calls += 1
            self._fails = self._fails or self.calls % 3 == 0
            if self._fails and not self._after_commit:
                raise DatabaseError("the database does not answer.")
            return found(*arguments, **named)

        return write

    @contextmanager
    def together(self) -> Iterator[None]:
        self._fails = False
        with super().together():
            yield
        if self._fails:
            raise DatabaseError("The connection was lost during the commit.")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    store = open_store(str(tmp_path_factory.mktemp("undisturbed") / "nago.sqlite"))
    study = create(store, small_spec())
    assert Orchestrator(store, study, SimulatedExecutor()).run() is StudyState.COMPLETED
    rows = store.history(study.id)
    store.close()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.parametrize("write", ["add_proposal", "add_evaluation", "add_attempt", "accept_result"])
def test_a_write_that_fails_in_the_database_is_neither_lost_nor_made_twice(
    store: Store,
    undisturbed: Rows,
    write: str,
    after_commit: bool,
) -> None:
    study = create(store, small_spec())
    failing = FailingStore(store, write=write, after_commit=after_commit)
    executor = SimulatedExecutor()
    assert Orchestrator(failing, study, executor).run() is StudyState.COMPLETED
    assert failing.calls >= PLANNED
    assert store.history(study.id) == undisturbed
    assert len(executor.started) == len(set(executor.started)) == PLANNED


@pytest.mark.slow
def test_what_happens_between_opening_a_study_and_holding_it_is_not_missed(store: Store, undisturbed: Rows) -> None:
    """The first orchestrator prepares itself; before it takes the hold, another one comes, works and goes."""
    study = create(store, small_spec())
    executor = SimulatedExecutor(looks_until_end=5)
    first = Orchestrator(store, study, executor)
    prepared = first.session()
    other = Orchestrator(store, study, executor)
    other.sleep = lambda seconds: other.stop.request()
    assert other.run() is StudyState.RUNNING
    assert first.run(prepared) is StudyState.COMPLETED
    assert store.history(study.id) == undisturbed


class UnusableExecutor(SimulatedExecutor):
    """Every third start and look is refused, as by a disk that is full for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def start(self, name: str, task: TrialTask) -> None:
        self._refuse_some()
        super().start(name, task)

    def observe(self, names: Collection[str]) -> Mapping[str, Observation]:
        self._refuse_some()
        return super().observe(names)

    def _refuse_some(self) -> None:
        self.calls += 1
        if self.calls % 3 == 0:
            raise ExecutorError("attempts cannot run: no space left.")


@pytest.mark.slow
def test_an_executor_that_cannot_work_for_a_while_is_waited_for(store: Store, undisturbed: Rows) -> None:
    study = create(store, small_spec())
    executor = UnusableExecutor()
    orchestrator = Orchestrator(store, study, executor)
    assert orchestrator.run() is StudyState.COMPLETED
    assert any(event.kind is EventKind.TROUBLE and "no space left" in event.message for event in orchestrator.events)
    assert store.history(study.id) == undisturbed
    assert len(executor.started) == len(set(executor.started)) == PLANNED
