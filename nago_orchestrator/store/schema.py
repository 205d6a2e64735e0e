"""The tables. Alembic's migrations are the only author of the schema; a test holds this file and them together.

A table's large documents stand last: SQLite then answers everything else without reading them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from nago_orchestrator.domain.proposals import Origin, Outcome
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.store.columns import AwareDateTime, CleanText, Float8

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _at_least(column: str, lowest: int, *, name: str = "") -> CheckConstraint:
    return CheckConstraint(f"{column} >= {lowest}", name=name or column)


def _exactly_when(name: str, left: str, right: str) -> CheckConstraint:
    return CheckConstraint(f"({left}) = ({right})", name=name)


def _former_name(former: str, of: Column[Any]) -> Column[Any]:
    """For queries that use the name that a column had before. The database computes it."""
    return Column(former, of.type, Computed(of.name))


_evaluations_before = Column("evaluations_before", Integer, nullable=False)
_final_training = Column("final_training", Boolean, nullable=False, server_default=false())
_evaluated_at = Column("evaluated_at", AwareDateTime, nullable=False)

study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("spec_hash", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", CleanText),
    Column("created_at", AwareDateTime, nullable=False),
    Column("changed_at", AwareDateTime, nullable=False),
    Column("objectives", JSON, nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("prior", JSON(none_as_null=True)),
    Column("ran_seconds", Float8, nullable=False, server_default="0"),
    Column("dataset", JSON(none_as_null=True)),
    _one_of("state", StudyState),
)

proposal = Table(
    "proposal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("fidelity", Integer, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("bracket", Integer),
    Column("rung", Integer),
    Column("slot", Integer),
    Column("parent", Integer),
    _evaluations_before,
    Column("created_at", AwareDateTime, nullable=False),
    Column("theta", JSON, nullable=False),
    Column("canonical_theta", JSON, nullable=False),
    Column("phase", Integer, nullable=False, server_default="0"),
    _final_training,
    Column("notes", JSON(none_as_null=True)),
    _former_name("told_before", _evaluations_before),
    _former_name("final", _final_training),
    Column("run_of", Integer),
    UniqueConstraint("study_id", "number"),
    ForeignKeyConstraint(["study_id", "parent"], ["proposal.study_id", "proposal.number"]),
    _one_of("origin", Origin),
    _at_least("number", 0),
    _at_least("fidelity", 1),
    _at_least("evaluations_before", 0, name="told_before"),
)

trial = Table(
    "trial",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    Column("proposal_id", ForeignKey("proposal.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("replicate", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("infeasible_reason", CleanText),
    Column("not_before", AwareDateTime),
    Column("architecture_hash", String(64), nullable=False),
    Column("nodes", Integer, nullable=False),
    Column("width", Integer),
    Column("parameters", BigInteger, nullable=False),
    Column("flops", BigInteger),
    Column("bytes_per_sample", BigInteger),
    Column("architecture_seed", BigInteger, nullable=False),
    Column("training_seed", BigInteger, nullable=False),
    Column("created_at", AwareDateTime, nullable=False),
    Column("started_at", AwareDateTime),
    Column("ended_at", AwareDateTime),
    Column("architecture", JSON, nullable=False),
    UniqueConstraint("study_id", "number"),
    UniqueConstraint("proposal_id", "replicate"),
    Index("ix_trial_states", "study_id", "state", "number"),
    _one_of("state", TrialState),
    _at_least("number", 0),
    _at_least("replicate", 0),
    _exactly_when("infeasible_has_reason", "state = 'infeasible'", "infeasible_reason IS NOT NULL"),
    _exactly_when("final_has_end", "state NOT IN ('queued', 'running')", "ended_at IS NOT NULL"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("trial_id", ForeignKey("trial.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", String(253), nullable=False),
    Column("token", String(200), nullable=False, unique=True),
    Column("executor", String(32), nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("failure", String(16)),
    Column("reason", CleanText),
    Column("exit_code", Integer),
    Column("node", CleanText),
    Column("uid", CleanText),
    Column("created_at", AwareDateTime, nullable=False),
    Column("started_at", AwareDateTime),
    Column("ended_at", AwareDateTime),
    Column("seconds", Float8),
    Column("gpu_seconds", Float8),
    Column("message", CleanText),
    Column("log_tail", CleanText),
    Column("task", JSON(none_as_null=True)),
    Column("login", String(63)),
    Column("gpu_share", Float8, nullable=False, server_default="1"),
    UniqueConstraint("trial_id", "number"),
    Index("uq_attempt_login", "login", unique=True),
    # All that the tally and the ledger ask; the rows with their log tails stay unread.
    Index("ix_attempt_ends", "trial_id", "state", "failure", "seconds", "gpu_seconds"),
    _one_of("state", AttemptState),
    _one_of("failure", Failure),
    _at_least("number", 1),
    _at_least("gpus", 0),
    _exactly_when("final_has_end", "state NOT IN ('created', 'running')", "ended_at IS NOT NULL"),
    CheckConstraint("state <> 'failed' OR failure IS NOT NULL", name="failed_has_kind"),
    CheckConstraint("state IN ('failed', 'cancelled') OR failure IS NULL", name="kind_has_failed"),
)
_live = text("state IN ('created', 'running')")
Index("uq_attempt_live", attempt.c.trial_id, unique=True, sqlite_where=_live, postgresql_where=_live)

epoch = Table(
    "epoch",
    metadata,
    Column("attempt_id", ForeignKey("attempt.id"), primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("training_loss", Float8, nullable=False),
    Column("training_accuracy", Float8, nullable=False),
    Column("validation_loss", Float8, nullable=False),
    Column("validation_accuracy", Float8, nullable=False),
    Column("learning_rate", Float8, nullable=False),
    Column("seconds", Float8, nullable=False),
    Column("recorded_at", AwareDateTime, nullable=False),
    _at_least("epoch", 1),
)

result = Table(
    "result",
    metadata,
    Column("trial_id", ForeignKey("trial.id"), primary_key=True, autoincrement=False),
    Column("attempt_id", ForeignKey("attempt.id"), nullable=False, unique=True),
    Column("validation_accuracy", Float8, nullable=False),
    Column("validation_loss", Float8, nullable=False),
    Column("diverged", Boolean, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("seconds", Float8, nullable=False),
    Column("seconds_to_first_step", Float8, nullable=False),
    Column("parameters", BigInteger, nullable=False),
    Column("device", CleanText, nullable=False),
    Column("network", CleanText),
    Column("recorded_at", AwareDateTime, nullable=False),
    Column("balanced_accuracy", Float8),
    Column("macro_f1", Float8),
    Column("top_5", Float8),
    Column("worst_class", Float8),
    Column("calibration_error", Float8),
    Column("custom", Float8),
    Column("details", JSON(none_as_null=True)),
    _at_least("epochs", 0),
)

evaluation = Table(
    "evaluation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    Column("proposal_id", ForeignKey("proposal.id"), nullable=False, unique=True),
    Column("number", Integer, nullable=False),
    # The proposal's own, repeated: the views compare evaluations of one fidelity by index.
    Column("fidelity", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("cost_1", Float8),
    Column("cost_2", Float8),
    Column("cost_3", Float8),
    Column("cost_4", Float8),
    Column("samples", Integer, nullable=False),
    _evaluated_at,
    Column("objective_values", JSON, nullable=False),
    _former_name("told_at", _evaluated_at),
    UniqueConstraint("study_id", "number"),
    Index("ix_evaluation_costs", "study_id", "outcome", "fidelity", "cost_1", "cost_2", "cost_3", "cost_4", "number"),
    _one_of("outcome", Outcome),
    _at_least("number", 0),
    _at_least("samples", 0),
    CheckConstraint("outcome <> 'ok' OR cost_1 IS NOT NULL", name="ok_has_cost"),
)

data_check = Table(
    "data_check",
    metadata,
    Column("study_id", ForeignKey("study.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("failure", String(16)),
    Column("reason", CleanText),
    Column("message", CleanText),
    Column("study_changed_at", AwareDateTime, nullable=False),
    Column("created_at", AwareDateTime, nullable=False),
    Column("ended_at", AwareDateTime),
    _one_of("state", AttemptState),
    _one_of("failure", Failure),
    _at_least("number", 1),
    _exactly_when("final_has_end", "state NOT IN ('created', 'running')", "ended_at IS NOT NULL"),
)
"""See `domain.data_checks`."""

lease = Table(
    "lease",
    metadata,
    # No key of another table: 0 stands for the process that serves all studies.
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    Column("holder", CleanText),
    Column("process", CleanText),
    Column("term", Float8),
    Column("expires_at", AwareDateTime),
    _at_least("token", 0),
)
"""See `domain.lease`. Seconds are the unit of `term`."""
