"""Searches in phases, warm starts, final training, and how a proposal was made.

The views of the best compare at one fidelity: the highest of the search's newest phase, since a later phase may work at
a lower fidelity than the one before it. Final training is none of the search's evaluations.
"""

from __future__ import annotations

from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

VIEWS = ("trial_overview", "incumbent", "pareto_front")

TRIAL_OVERVIEW = """
CREATE VIEW trial_overview AS
SELECT
    study.name AS study,
    trial.number AS trial,
    proposal.number AS proposal,
    trial.replicate,
    trial.state,
    proposal.fidelity,
    proposal.bracket,
    proposal.rung,
    proposal.origin,
    coalesce(result.epochs, (SELECT max(epoch.epoch) FROM epoch WHERE epoch.attempt_id = newest.id), 0) AS epochs_done,
    result.validation_accuracy,
    result.validation_loss,
    result.diverged,
    trial.nodes,
    trial.width,
    trial.parameters,
    trial.flops,
    trial.bytes_per_sample,
    coalesce(newest.number, 0) AS attempts,
    coalesce(failed.failure, CASE WHEN trial.state = 'infeasible' THEN 'infeasible' END) AS last_failure,
    failed.reason AS last_reason,
    coalesce(failed.message, trial.infeasible_reason) AS last_message,
    (SELECT coalesce(sum(attempt.seconds), 0.0) FROM attempt WHERE attempt.trial_id = trial.id) AS seconds,
    (SELECT coalesce(sum(attempt.gpu_seconds), 0.0) FROM attempt WHERE attempt.trial_id = trial.id) AS gpu_seconds,
    trial.architecture_hash,
    trial.created_at,
    trial.started_at,
    trial.ended_at,
    proposal.phase,
    proposal.final
FROM study
JOIN trial ON trial.study_id = study.id
JOIN proposal ON proposal.id = trial.proposal_id AND proposal.study_id = study.id
LEFT JOIN result ON result.trial_id = trial.id
LEFT JOIN attempt AS newest
    ON newest.trial_id = trial.id
    AND newest.number = (SELECT max(number) FROM attempt WHERE attempt.trial_id = trial.id)
LEFT JOIN attempt AS failed
    ON failed.trial_id = trial.id
    AND failed.number =
        (SELECT max(number) FROM attempt WHERE attempt.trial_id = trial.id AND attempt.failure IS NOT NULL)
"""

_EVALUATION_COLUMNS = """
    study.name AS study,
    evaluation.number AS evaluation,
    proposal.number AS proposal,
    evaluation.fidelity,
    proposal.bracket,
    proposal.rung,
    proposal.origin,
    evaluation.cost_1,
    evaluation.cost_2,
    evaluation.cost_3,
    evaluation.cost_4,
    evaluation.samples,
    evaluation.told_at,
    evaluation.objective_values,
    proposal.theta,
    proposal.canonical_theta,
    proposal.phase
"""

# Of each study, by which the best is found. A fidelity is at most 100,000: phase and fidelity make one number.
_COMPARED_FIDELITY = """(
    SELECT known.study_id, max(made.phase * 1000000 + known.fidelity) % 1000000 AS fidelity
    FROM evaluation AS known
    JOIN proposal AS made ON made.id = known.proposal_id
    WHERE known.outcome = 'ok' AND NOT made.final
    GROUP BY known.study_id
)"""

INCUMBENT = f"""
CREATE VIEW incumbent AS
SELECT {_EVALUATION_COLUMNS}
FROM study
JOIN {_COMPARED_FIDELITY} AS compared ON compared.study_id = study.id
JOIN evaluation ON evaluation.id = (
    SELECT best.id
    FROM evaluation AS best
    JOIN proposal AS made ON made.id = best.proposal_id
    WHERE best.study_id = study.id
        AND best.outcome = 'ok'
        AND best.fidelity = compared.fidelity
        AND NOT made.final
    ORDER BY best.cost_1, best.number
    LIMIT 1
)
JOIN proposal ON proposal.id = evaluation.proposal_id
"""

# A point stays unless another one is nowhere worse and somewhere better. Costs that a study does not use are NULL.
PARETO_FRONT = f"""
CREATE VIEW pareto_front AS
SELECT {_EVALUATION_COLUMNS}
FROM study
JOIN {_COMPARED_FIDELITY} AS compared ON compared.study_id = study.id
JOIN evaluation
    ON evaluation.study_id = study.id AND evaluation.outcome = 'ok' AND evaluation.fidelity = compared.fidelity
JOIN proposal ON proposal.id = evaluation.proposal_id AND NOT proposal.final
WHERE NOT EXISTS (
    SELECT 1
    FROM evaluation AS other
    JOIN proposal AS made ON made.id = other.proposal_id
    WHERE other.study_id = evaluation.study_id
        AND other.outcome = 'ok'
        AND other.fidelity = evaluation.fidelity
        AND NOT made.final
        AND other.cost_1 <= evaluation.cost_1
        AND coalesce(other.cost_2, 0.0) <= coalesce(evaluation.cost_2, 0.0)
        AND coalesce(other.cost_3, 0.0) <= coalesce(evaluation.cost_3, 0.0)
        AND coalesce(other.cost_4, 0.0) <= coalesce(evaluation.cost_4, 0.0)
        AND (
            other.cost_1 < evaluation.cost_1
            OR coalesce(other.cost_2, 0.0) < coalesce(evaluation.cost_2, 0.0)
            OR coalesce(other.cost_3, 0.0) < coalesce(evaluation.cost_3, 0.0)
            OR coalesce(other.cost_4, 0.0) < coalesce(evaluation.cost_4, 0.0)
        )
)
"""


def upgrade() -> None:
    _drop_views()
    op.add_column("study", sa.Column("prior", sa.JSON(), nullable=True))
    op.add_column("proposal", sa.Column("phase", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("proposal", sa.Column("final", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("proposal", sa.Column("notes", sa.JSON(), nullable=True))
    for view in (TRIAL_OVERVIEW, INCUMBENT, PARETO_FRONT):
        op.execute(view)


def downgrade() -> None:
    _drop_views()
    for column in ("notes", "final", "phase"):
        op.drop_column("proposal", column)
    op.drop_column("study", "prior")
    before = _module("0002")
    for view in (before.TRIAL_OVERVIEW, before.INCUMBENT, before.PARETO_FRONT):
        op.execute(view)


def _module(older: str) -> ModuleType:
    """Of an older revision, wherever the migrations are installed."""
    environment = op.get_context().environment_context
    found = environment and environment.script.get_revision(older)
    if not found:
        raise LookupError(f"the revision {older} is not there")
    return found.module


def _drop_views() -> None:
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")
