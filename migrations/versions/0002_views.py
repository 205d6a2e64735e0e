"""The views that users ask: trial_overview, incumbent, pareto_front, gpu_ledger. One text for both databases."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

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
    trial.ended_at
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
    proposal.canonical_theta
"""

# The highest fidelity at which the study has an evaluation with values.
_HIGHEST_FIDELITY = (
    "(SELECT max(known.fidelity) FROM evaluation AS known WHERE known.study_id = study.id AND known.outcome = 'ok')"
)

INCUMBENT = f"""
CREATE VIEW incumbent AS
SELECT {_EVALUATION_COLUMNS}
FROM study
JOIN evaluation ON evaluation.id = (
    SELECT best.id
    FROM evaluation AS best
    WHERE best.study_id = study.id AND best.outcome = 'ok' AND best.fidelity = {_HIGHEST_FIDELITY}
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
JOIN evaluation
    ON evaluation.study_id = study.id AND evaluation.outcome = 'ok' AND evaluation.fidelity = {_HIGHEST_FIDELITY}
JOIN proposal ON proposal.id = evaluation.proposal_id
WHERE NOT EXISTS (
    SELECT 1
    FROM evaluation AS other
    WHERE other.study_id = evaluation.study_id
        AND other.outcome = 'ok'
        AND other.fidelity = evaluation.fidelity
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

# Time counts once an attempt has ended; one that runs still stands here with none.
GPU_LEDGER = """
CREATE VIEW gpu_ledger AS
SELECT
    study,
    outcome,
    count(*) AS attempts,
    coalesce(sum(seconds), 0.0) AS seconds,
    coalesce(sum(gpu_seconds), 0.0) AS gpu_seconds
FROM (
    SELECT
        study.name AS study,
        CASE
            WHEN attempt.failure IS NOT NULL THEN attempt.failure
            WHEN attempt.state IN ('created', 'running') THEN 'running'
            ELSE attempt.state
        END AS outcome,
        attempt.seconds,
        attempt.gpu_seconds
    FROM study
    JOIN trial ON trial.study_id = study.id
    JOIN attempt ON attempt.trial_id = trial.id
) AS ended
GROUP BY study, outcome
"""


def upgrade() -> None:
    for view in (TRIAL_OVERVIEW, INCUMBENT, PARETO_FRONT, GPU_LEDGER):
        op.execute(view)


def downgrade() -> None:
    for name in ("gpu_ledger", "pareto_front", "incumbent", "trial_overview"):
        op.execute(f"DROP VIEW {name}")
