"""The tables: study, proposal, trial, attempt, epoch, result, evaluation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_study()
    _create_proposal()
    _create_evaluation()
    _create_trial()
    _create_attempt()
    _create_epoch()
    _create_result()


def downgrade() -> None:
    for table in ("result", "epoch", "attempt", "trial", "evaluation", "proposal", "study"):
        op.drop_table(table)


def _create_study() -> None:
    op.create_table(
        "study",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("spec_hash", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("objectives", sa.JSON(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'completed', 'failed', 'cancelled')", name=op.f("ck_study_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("name", name=op.f("uq_study_name")),
    )


def _create_proposal() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fidelity", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("bracket", sa.Integer(), nullable=True),
        sa.Column("rung", sa.Integer(), nullable=True),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("told_before", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("theta", sa.JSON(), nullable=False),
        sa.Column("canonical_theta", sa.JSON(), nullable=False),
        sa.CheckConstraint("origin IN ('random', 'model', 'promotion')", name=op.f("ck_proposal_origin")),
        sa.CheckConstraint("fidelity >= 1", name=op.f("ck_proposal_fidelity")),
        sa.CheckConstraint("number >= 0", name=op.f("ck_proposal_number")),
        sa.CheckConstraint("told_before >= 0", name=op.f("ck_proposal_told_before")),
        sa.ForeignKeyConstraint(
            ["study_id", "parent"],
            ["proposal.study_id", "proposal.number"],
            name=op.f("fk_proposal_study_id_parent_proposal"),
        ),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_proposal_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_proposal_study_id_number")),
    )


def _create_evaluation() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fidelity", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("cost_1", sa.Double(), nullable=True),
        sa.Column("cost_2", sa.Double(), nullable=True),
        sa.Column("cost_3", sa.Double(), nullable=True),
        sa.Column("cost_4", sa.Double(), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("objective_values", sa.JSON(), nullable=False),
        sa.CheckConstraint("outcome <> 'ok' OR cost_1 IS NOT NULL", name=op.f("ck_evaluation_ok_has_cost")),
        sa.CheckConstraint("outcome IN ('ok', 'infeasible', 'lost')", name=op.f("ck_evaluation_outcome")),
        sa.CheckConstraint("number >= 0", name=op.f("ck_evaluation_number")),
        sa.CheckConstraint("samples >= 0", name=op.f("ck_evaluation_samples")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_evaluation_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_evaluation_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_evaluation_proposal_id")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_evaluation_study_id_number")),
    )
    op.create_index(
        "ix_evaluation_costs",
        "evaluation",
        ["study_id", "outcome", "fidelity", "cost_1", "cost_2", "cost_3", "cost_4", "number"],
        unique=False,
    )


def _create_trial() -> None:
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("replicate", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("infeasible_reason", sa.Text(), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("architecture_hash", sa.String(length=64), nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("parameters", sa.BigInteger(), nullable=False),
        sa.Column("flops", sa.BigInteger(), nullable=True),
        sa.Column("bytes_per_sample", sa.BigInteger(), nullable=True),
        sa.Column("architecture_seed", sa.BigInteger(), nullable=False),
        sa.Column("training_seed", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("architecture", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(state = 'infeasible') = (infeasible_reason IS NOT NULL)", name=op.f("ck_trial_infeasible_has_reason")
        ),
        sa.CheckConstraint(
            "(state NOT IN ('queued', 'running')) = (ended_at IS NOT NULL)", name=op.f("ck_trial_final_has_end")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'infeasible', 'cancelled')",
            name=op.f("ck_trial_state"),
        ),
        sa.CheckConstraint("number >= 0", name=op.f("ck_trial_number")),
        sa.CheckConstraint("replicate >= 0", name=op.f("ck_trial_replicate")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_trial_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_trial_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
        sa.UniqueConstraint("proposal_id", "replicate", name=op.f("uq_trial_proposal_id_replicate")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_trial_study_id_number")),
    )
    op.create_index("ix_trial_states", "trial", ["study_id", "state", "number"], unique=False)


def _create_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("token", sa.String(length=200), nullable=False),
        sa.Column("executor", sa.String(length=32), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("failure", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("gpu_seconds", sa.Double(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("log_tail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state NOT IN ('created', 'running')) = (ended_at IS NOT NULL)", name=op.f("ck_attempt_final_has_end")
        ),
        sa.CheckConstraint(
            "failure IN ('infeasible', 'infrastructure', 'interrupted', 'defect')", name=op.f("ck_attempt_failure")
        ),
        sa.CheckConstraint("state <> 'failed' OR failure IS NOT NULL", name=op.f("ck_attempt_failed_has_kind")),
        sa.CheckConstraint(
            "state IN ('created', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_attempt_state")
        ),
        sa.CheckConstraint(
            "state IN ('failed', 'cancelled') OR failure IS NULL", name=op.f("ck_attempt_kind_has_failed")
        ),
        sa.CheckConstraint("gpus >= 0", name=op.f("ck_attempt_gpus")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_attempt_number")),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name=op.f("fk_attempt_trial_id_trial")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("token", name=op.f("uq_attempt_token")),
        sa.UniqueConstraint("trial_id", "number", name=op.f("uq_attempt_trial_id_number")),
    )
    op.create_index(
        "ix_attempt_ends", "attempt", ["trial_id", "state", "failure", "seconds", "gpu_seconds"], unique=False
    )
    op.create_index(
        "uq_attempt_live",
        "attempt",
        ["trial_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('created', 'running')"),
        postgresql_where=sa.text("state IN ('created', 'running')"),
    )


def _create_epoch() -> None:
    op.create_table(
        "epoch",
        sa.Column("attempt_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("training_loss", sa.Double(), nullable=False),
        sa.Column("training_accuracy", sa.Double(), nullable=False),
        sa.Column("validation_loss", sa.Double(), nullable=False),
        sa.Column("validation_accuracy", sa.Double(), nullable=False),
        sa.Column("learning_rate", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("epoch >= 1", name=op.f("ck_epoch_epoch")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_epoch_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("attempt_id", "epoch", name=op.f("pk_epoch")),
    )


def _create_result() -> None:
    op.create_table(
        "result",
        sa.Column("trial_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("validation_accuracy", sa.Double(), nullable=False),
        sa.Column("validation_loss", sa.Double(), nullable=False),
        sa.Column("diverged", sa.Boolean(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("seconds_to_first_step", sa.Double(), nullable=False),
        sa.Column("parameters", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("epochs >= 0", name=op.f("ck_result_epochs")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_result_attempt_id_attempt")),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name=op.f("fk_result_trial_id_trial")),
        sa.PrimaryKeyConstraint("trial_id", name=op.f("pk_result")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_result_attempt_id")),
    )
