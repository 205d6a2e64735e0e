"""What every report sink owes the trainer and the orchestrator: one class of tests, run on folder and database."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from nago_orchestrator.executors.kubernetes.manifest.labels import TOKEN_DIGEST
from nago_orchestrator.executors.kubernetes.status.termination_message import read_termination_message
from nago_orchestrator.executors.local.attempt_folder import Report, read_report
from nago_orchestrator.store.engine import connect
from nago_orchestrator.store.schema import epoch as epoch_table
from nago_orchestrator.store.store import Store
from nago_trainer.attempt.database_report import DatabaseReport, SendLimits
from nago_trainer.attempt.execution import Reporter
from nago_trainer.attempt.folder_report import Report as FolderReport
from nago_trainer.attempt.postgres import AttemptDatabase
from nago_trainer.attempt.termination_message import TerminationMessage
from nago_trainer.contract.reports import EpochRecord, FailureReport, TrialResult
from nago_trainer.errors import SupersededError
from tests.conftest import PostgresDatabases
from tests.store_scene import EPOCH
from tests.trainer_scene import CREATE_USER, TrainerScene, as_trainer
from tests.trainer_scene import SMALL_RESULT as RESULT
from tests.waiting import until

EPOCHS = (
    EPOCH,
    replace(EPOCH, epoch=2, training_loss=math.inf, validation_loss=math.inf),
    replace(EPOCH, epoch=3, seconds=0.1 + 0.2),
)
DIVERGED = replace(RESULT, diverged=True, validation_accuracy=0.0, validation_loss=math.inf)
MEASURED = replace(
    RESULT, balanced_accuracy=0.1 + 0.2, macro_f1=0.0, top_5=1.0, worst_class=0.25, calibration_error=0.1, custom=2.5
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What the orchestrator knows of an attempt by its reports."""

    epochs: tuple[EpochRecord, ...] = ()
    result: TrialResult | None = None
    failure: FailureReport | None = None


class ReportSinkContract(abc.ABC):
    """Subclasses provide the sink of the trial's newest attempt, that of an attempt before it, and the other end."""

    @abc.abstractmethod
    def received(self) -> Received: ...

    def test_epochs_are_received_in_order_and_exactly(self, sink: Reporter) -> None:
        for record in EPOCHS:
            sink.epoch(record)
        until(lambda: len(self.received().epochs) == len(EPOCHS))
        assert self.received() == Received(epochs=EPOCHS)

    @pytest.mark.parametrize("result", [RESULT, DIVERGED, MEASURED], ids=["finite", "diverged", "measured"])
    def test_a_result_is_received_when_the_call_returns_and_the_epochs_before_it(
        self, sink: Reporter, result: TrialResult
    ) -> None:
        for record in EPOCHS:
            sink.epoch(record)
        sink.result(result)
        assert self.received() == Received(epochs=EPOCHS, result=result)

    def test_a_failure_is_received_when_the_call_returns(self, sink: Reporter) -> None:
        sink.epoch(EPOCH)
        failure = FailureReport(kind="infeasible", reason="OutOfMemory", message="it does not fit")
        sink.failure(kind=failure.kind, reason=failure.reason, message=failure.message)
        assert self.received() == Received(epochs=(EPOCH,), failure=failure)

    def test_of_what_is_reported_twice_the_first_counts(
        self, sink: Reporter, another_sink: Callable[[], Reporter]
    ) -> None:
        sink.epoch(EPOCH)
        sink.epoch(replace(EPOCH, seconds=77.0))
        sink.result(RESULT)
        another_sink().result(replace(RESULT, seconds=77.0))
        assert self.received() == Received(epochs=(EPOCH,), result=RESULT)

    def test_an_attempt_that_was_replaced_is_not_heard(self, stale_sink: Reporter) -> None:
        with suppress(SupersededError):
            stale_sink.epoch(EPOCH)
            stale_sink.result(RESULT)
        assert self.received() == Received()


class TestFolderReport(ReportSinkContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @pytest.fixture
    def another_sink(self) -> Callable[[], Reporter]:
        return lambda: FolderReport(self.folder, "token")

    @pytest.fixture
    def sink(self, another_sink: Callable[[], Reporter]) -> Reporter:
        return another_sink()

    @pytest.fixture
    def stale_sink(self) -> Reporter:
        return FolderReport(self.folder, "token of an attempt before")

    def received(self) -> Received:
        report = Report()
        read_report(self.folder, report, "token")
        return Received(epochs=tuple(report.epochs), result=report.result, failure=report.failure)


class TestDatabaseReport(ReportSinkContract):
    @pytest.fixture(autouse=True)
    def _scene(self, postgres: PostgresDatabases, tmp_path: Path) -> Iterator[None]:
        self.engine: Engine = connect(postgres.without_rows())
        address = self.engine.url.render_as_string(hide_password=False)
        postgres.execute(CREATE_USER, address=address)
        self.scene = TrainerScene(Store(self.engine), as_trainer(address), tmp_path)
        self.attempt = self.scene.attempt()
        yield
        self.engine.dispose()

    def _report(self) -> Reporter:
        return DatabaseReport(
            AttemptDatabase(self.scene.address_of(self.attempt)),
            TerminationMessage(self.scene.message, self.scene.token_of(self.attempt)),
            on_message=lambda: None,
            limits=SendLimits(),
        )

    @pytest.fixture
    def another_sink(self) -> Callable[[], Reporter]:
        return self._report

    @pytest.fixture
    def sink(self) -> Reporter:
        return self._report()

    @pytest.fixture
    def stale_sink(self) -> Reporter:
        stale = self._report()
        self.scene.lose(self.attempt)
        self.attempt = self.scene.attempt()
        return stale

    def received(self) -> Received:
        with self.engine.connect() as connection:
            rows = connection.execute(select(epoch_table).order_by(epoch_table.c.epoch)).mappings().all()
        names = EpochRecord.__dataclass_fields__
        return Received(
            epochs=tuple(EpochRecord(**{name: row[name] for name in names}) for row in rows),
            result=self.scene.trial.result,
            failure=self._failure(),
        )

    def _failure(self) -> FailureReport | None:
        """As the orchestrator reads it from the termination message of the attempt's container."""
        text = self.scene.message.read_text(encoding="utf-8") if self.scene.message.exists() else ""
        job = {"metadata": {"annotations": {TOKEN_DIGEST: self.attempt.token}}}
        return read_termination_message(job, {"message": text}).failure
