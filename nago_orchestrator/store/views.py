"""The views' columns with their types, for `queries`. Their SQL stands in the migrations; a test compares both."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, MetaData, String, Table

from nago_orchestrator.store.columns import AwareDateTime, CleanText, Float8

view_metadata = MetaData()

FORMER_NAMES = frozenset({"told_at", "final"})
"""Columns for queries that were written before they were renamed; ours do not read them."""

trial_overview = Table(
    "trial_overview",
    view_metadata,
    Column("study", String),
    Column("trial", Integer),
    Column("proposal", Integer),
    Column("replicate", Integer),
    Column("state", String),
    Column("fidelity", Integer),
    Column("bracket", Integer),
    Column("rung", Integer),
    Column("origin", String),
    Column("epochs_done", Integer),
    Column("validation_accuracy", Float8),
    Column("validation_loss", Float8),
    Column("diverged", Boolean),
    Column("nodes", Integer),
    Column("width", Integer),
    Column("parameters", BigInteger),
    Column("flops", BigInteger),
    Column("bytes_per_sample", BigInteger),
    Column("attempts", Integer),
    Column("last_failure", String),
    Column("last_reason", CleanText),
    Column("last_message", CleanText),
    Column("seconds", Float8),
    Column("gpu_seconds", Float8),
    Column("architecture_hash", String),
    Column("created_at", AwareDateTime),
    Column("started_at", AwareDateTime),
    Column("ended_at", AwareDateTime),
    Column("phase", Integer),
    Column("final", Boolean),
    Column("final_training", Boolean),
    Column("balanced_accuracy", Float8),
    Column("macro_f1", Float8),
    Column("top_5", Float8),
    Column("worst_class", Float8),
    Column("calibration_error", Float8),
    Column("custom", Float8),
    Column("run_of", Integer),
    Column("continued_from", Integer),
)


def _of_evaluations(name: str) -> Table:
    return Table(
        name,
        view_metadata,
        Column("study", String),
        Column("evaluation", Integer),
        Column("proposal", Integer),
        Column("fidelity", Integer),
        Column("bracket", Integer),
        Column("rung", Integer),
        Column("origin", String),
        Column("cost_1", Float8),
        Column("cost_2", Float8),
        Column("cost_3", Float8),
        Column("cost_4", Float8),
        Column("samples", Integer),
        Column("told_at", AwareDateTime),
        Column("objective_values", JSON),
        Column("theta", JSON),
        Column("canonical_theta", JSON),
        Column("phase", Integer),
        Column("evaluated_at", AwareDateTime),
    )


incumbent = _of_evaluations("incumbent")
pareto_front = _of_evaluations("pareto_front")

gpu_ledger = Table(
    "gpu_ledger",
    view_metadata,
    Column("study", String),
    Column("outcome", String),
    Column("attempts", Integer),
    Column("seconds", Float8),
    Column("gpu_seconds", Float8),
)
