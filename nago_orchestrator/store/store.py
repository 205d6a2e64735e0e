"""The store as the loop sees it: every method is one transaction, or part of one that was opened for several of them;
every error of the database is one sentence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from nago_orchestrator.domain.attempts import Attempt, Observation
from nago_orchestrator.domain.credentials import Login
from nago_orchestrator.domain.dataset import DatasetSummary
from nago_orchestrator.domain.ends import Ends
from nago_orchestrator.domain.proposals import Evaluation, Proposal, Theta
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trials import NewTrial, RungTrial, TrainingRecipe, Trial, TrialDesign
from nago_orchestrator.store import attempts, changes, engine, history, lock, results, studies, tally, trials, versions
from nago_orchestrator.store.changes import Pulse
from nago_orchestrator.store.data_checks import DataChecks
from nago_orchestrator.store.database_errors import translated
from nago_orchestrator.store.lease_connections import LeaseConnections
from nago_orchestrator.store.logins import TrainerLogins
from nago_orchestrator.store.records import DrawnTrial, NewStudy, OpenProposal, Study, Tally
from nago_orchestrator.store.transactions import Transactions
from nago_trainer.contract.reports import EpochRecord, TrialResult


class Store:
    """Studies with all that belongs to them, in one database.

    Safe for several processes and threads. Every method may raise DatabaseError; a transition that somebody else made
    first raises StaleStateError and changes nothing. Finished rows never change,
    except that a failed attempt whose result comes late becomes a succeeded one.
    """

    def __init__(self, engine_: Engine) -> None:
        self._engine = engine_
        self._transactions = Transactions(engine_)
        self._write, self._read = self._transactions.write, self._transactions.read
        self.address = engine.describe(engine_.url)
        """Where the database is, without its password."""
        self.logins = TrainerLogins(engine_, self.address)
        self.data_checks = DataChecks(self._transactions)
        self._leases = LeaseConnections(engine_)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database; None for PostgreSQL."""
        return engine.sqlite_path(self._engine.url)

    def other_schema(self) -> str | None:
        """The schema of PostgreSQL in which the tables are; None for the usual one, and for SQLite."""
        if self.file is not None:
            return None
        with self._read() as connection:
            return versions.other_schema(connection)

    def close(self) -> None:
        """Closes the pooled connections; the store may be used again afterwards."""
        self._engine.dispose()

    def together(self) -> AbstractContextManager[None]:
        """What this thread reads and writes inside is one transaction; see `Transactions.together`."""
        return self._transactions.together()

    # Studies

    def create_study(self, new: NewStudy, now: datetime) -> Study:
        """The study of that name and spec, created if there is none. Raises SpecError if its spec is another one."""
        with self._write() as connection:
            return studies.create(connection, new, now)

    def study(self, name: str) -> Study:
        """Raises NotFoundError, which names the nearest ones."""
        with self._read() as connection:
            return studies.find(connection, name)

    def studies(self) -> tuple[Study, ...]:
        """All, oldest first."""
        with self._read() as connection:
            return studies.all_studies(connection)

    def unsettled_studies(self) -> frozenset[int]:
        """Ids of the studies, in whatever state, of which a trial runs or is to be cancelled."""
        with self._read() as connection:
            return studies.unsettled(connection)

    def move_study(self, study_id: int, to: StudyState, *, message: str | None, now: datetime) -> None:
        with self._write() as connection:
            studies.move(connection, study_id, to, message=message, now=now)

    def note_running_time(self, study_id: int, seconds: float) -> None:
        with self._write() as connection:
            studies.note_running_time(connection, study_id, seconds)

    def set_dataset(self, study_id: int, recipe: TrainingRecipe, dataset: DatasetSummary | None) -> None:
        with self._write() as connection:
            studies.set_dataset(connection, study_id, recipe, dataset)

    def pulse(self, study_id: int) -> Pulse:
        """What others may have changed of a study that somebody runs; quick. Raises NotFoundError."""
        with self._read() as connection:
            return changes.pulse(connection, study_id)

    def trial_counts(self, study_id: int) -> Mapping[TrialState, int]:
        """Every state has a key."""
        with self._read() as connection:
            return tally.trial_counts(connection, study_id)

    def tally(self, study_id: int) -> Tally:
        with self._read() as connection:
            return tally.tally(connection, study_id)

    def all_ends(self, study_id: int) -> Ends:
        with self._read() as connection:
            return tally.all_ends(connection, study_id)

    def ends_of(self, attempt_ids: Collection[int]) -> Ends:
        """What the ends of these attempts add to those of their study."""
        with self._read() as connection:
            return tally.ends_of(connection, attempt_ids)

    def failure_reasons(self, study_id: int) -> Mapping[tuple[Failure, str], int]:
        """How many attempts failed, by kind and reason."""
        with self._read() as connection:
            return tally.failure_reasons(connection, study_id)

    # Proposals and their evaluations

    def add_proposal(
        self, study_id: int, proposal: Proposal, canonical_theta: Theta, trials_: Sequence[NewTrial], now: datetime
    ) -> None:
        """The proposal with all its trials; their numbers continue those of the study, from 0."""
        with self._write() as connection:
            proposal_id = history.add_proposal(connection, study_id, proposal, canonical_theta, now)
            trials.add(connection, study_id, proposal_id, trials_, now)

    def history(self, study_id: int) -> tuple[tuple[Proposal, ...], tuple[Evaluation, ...]]:
        """All proposals in the order of their numbers, all evaluations in evaluation order."""
        with self._read() as connection:
            return history.proposals(connection, study_id), history.evaluations(connection, study_id)

    def open_proposals(self, study_id: int, number: int | None = None) -> tuple[OpenProposal, ...]:
        """Those that have no evaluation yet, in the order of their numbers; with a number that one, if it is open."""
        with self._read() as connection:
            return history.open_proposals(connection, study_id, number)

    def unevaluated_proposals(self, study_id: int) -> tuple[int, ...]:
        """The numbers of those that have no evaluation yet, in their order."""
        with self._read() as connection:
            return history.unevaluated(connection, study_id)

    def add_evaluation(self, study_id: int, evaluation: Evaluation, now: datetime) -> None:
        with self._write() as connection:
            history.add_evaluation(connection, study_id, evaluation, now)

    # Trials

    def active_trials(self, study_id: int) -> tuple[Trial, ...]:
        """Those that are queued or running, in the order of their numbers."""
        with self._read() as connection:
            return trials.active(connection, study_id)

    def some_trials(self, study_id: int, *, ids: Collection[int], beyond: int | None) -> tuple[Trial, ...]:
        """Those of these ids and those with larger numbers than `beyond`, whatever their state; by number."""
        with self._read() as connection:
            return trials.some(connection, study_id, ids, beyond)

    def trial_design(self, trial_id: int) -> TrialDesign:
        with self._read() as connection:
            return trials.design(connection, trial_id)

    def rung_trials(self, study_id: int) -> tuple[RungTrial, ...]:
        """All of the search, by number."""
        with self._read() as connection:
            return trials.of_rungs(connection, study_id)

    def drawn_trials(self, study_id: int) -> tuple[DrawnTrial, ...]:
        """All, in the order of their numbers."""
        with self._read() as connection:
            return trials.drawn(connection, study_id)

    def cancel_trials(self, study_id: int, now: datetime) -> None:
        """Queued trials become cancelled; running ones stay until their attempt has ended."""
        with self._write() as connection:
            trials.cancel_queued(connection, study_id, now)

    # Attempts

    def add_attempt(self, trial_id: int, new: attempts.NewAttempt, now: datetime) -> Attempt:
        """The intent to run a queued trial: the trial is running, its next attempt created.

        Raises StaleStateError too where a result has come from an attempt that was declared lost: see `accept_result`.
        """
        with self._write() as connection:
            return attempts.add(connection, trial_id, new, now)

    def renew_attempt(self, attempt_id: int, *, token: str, login: Login) -> None:
        """Replaces the attempt's credentials; earlier ones are no longer accepted."""
        with self._write() as connection:
            attempts.renew(connection, attempt_id, token, login)

    def claim(self, trial_ids: Collection[int]) -> frozenset[int]:
        """Locks those trials that nobody else has locked, and returns their ids."""
        with self._write() as connection:
            return trials.claim(connection, trial_ids)

    def mark_running(self, attempt_id: int, *, node: str | None, uid: str | None, now: datetime) -> None:
        with self._write() as connection:
            attempts.mark_running(connection, attempt_id, node=node, uid=uid, now=now)

    def note_waiting(self, attempt_id: int, *, reason: str | None, message: str | None, now: datetime) -> None:
        """Why the attempt does not run at present; None: it does."""
        with self._write() as connection:
            attempts.note_waiting(connection, attempt_id, reason=reason, message=message, now=now)

    def record_epochs(self, attempt_id: int, epochs: Sequence[EpochRecord], now: datetime) -> None:
        """Epochs that are already there stay as they are."""
        with self._write() as connection:
            attempts.record_epochs(connection, attempt_id, epochs, now)

    def accept_result(self, attempt_id: int, result: TrialResult, *, observation: Observation, now: datetime) -> None:
        """The result with attempt and trial succeeded.

        Heard are the live attempt of a running trial, and the newest attempt of a queued one that was given up as
        failed and had a result after all; StaleStateError for every other. A result that the trainer stored stays.
        """
        with self._write() as connection:
            attempts.accept_result(connection, attempt_id, result, observation, now)

    def end_attempt(  # noqa: PLR0913  # each a fact of its own that the caller names
        self,
        attempt_id: int,
        *,
        state: AttemptState,
        failure: Failure | None,
        observation: Observation | None,
        trial_to: TrialState,
        not_before: datetime | None,
        discards_result: bool = False,
        now: datetime,
    ) -> None:
        """An attempt without a valid result ends; its trial is queued again, from `not_before` on, or is final."""
        ending = attempts.Ending(
            state=state,
            failure=failure,
            trial_to=trial_to,
            not_before=not_before,
            discards_result=discards_result,
        )
        with self._write() as connection:
            attempts.end(connection, attempt_id, ending, observation or attempts.NOTHING_SEEN, now)

    def discard_result(self, attempt_id: int) -> None:
        """Of an attempt that has ended otherwise; nothing happens without one, or where the trial has accepted it."""
        with self._write() as connection:
            results.discard(connection, attempt_id)

    # One writer per study

    @contextmanager
    def hold(self, study_id: int, holder: str, terms: lock.Terms = lock.TERMS) -> Iterator[lock.Hold]:
        """The right to run a study, until the context ends. Raises HeldError, which names the holder.

        Whatever this thread writes inside is refused by TakenOverError once another process has taken the study. Not
        nested.
        """
        with (
            self._leases.open() as leases,
            lock.hold(leases, study_id, holder, terms) as held,
            self._transactions.fenced(held.fence),
        ):
            yield held

    def holder(self, study_id: int) -> str | None:
        """Who runs the study now."""
        with translated(self.address):
            return lock.holder(self._engine, study_id)


def open_store(url: str) -> Store:
    """The store at an address (see `engine.parse`), its schema checked; a new SQLite file is created with its schema.

    Raises DatabaseError: not reachable, not a database, or of another version, with the command that mends it.
    """
    return Store(versions.open_engine(url))
