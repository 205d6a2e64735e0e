"""The generators of a study, ranked by posterior mean. Called by `nago-orch best --posterior`."""

from __future__ import annotations

from dataclasses import dataclass

from nago_orchestrator.evaluation.generator_results import (
    best_generator,
    evaluated_at,
    found_generators,
    merge_generators,
)
from nago_orchestrator.search.posterior import GeneratorPosterior, rank_generators
from nago_orchestrator.services.surrogate_analysis import fitted_posterior
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import OpenDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorRanking:
    study: str
    objective: str
    fidelity: int
    problem: str | None
    """Why the fit is unreliable."""
    generators: tuple[GeneratorPosterior, ...]
    """The best posterior mean first."""
    observed_best: GeneratorPosterior
    """Of the generator that `nago-orch best` names."""


def rank_by_posterior(engine: OpenDatabase, study: str, fidelity: int) -> PosteriorRanking:
    """Raises InputError without the extra `mobo`, NagoError with too few evaluations at the fidelity."""
    status = queries.study_status(engine, study)
    evaluations, trials = queries.evaluations(engine, study), queries.list_trials(engine, study)
    objective, spec = status.objectives[0], StudySpec.from_canonical(status.spec)
    fitted = fitted_posterior(evaluated_at(evaluations, fidelity), [objective], spec)
    ranked = rank_generators(fitted, found_generators(evaluations, trials, objective, fidelity))
    seen = best_generator(merge_generators(evaluations, status.objectives, fidelity))
    return PosteriorRanking(
        study=study,
        objective=objective.name,
        fidelity=fidelity,
        problem=fitted.problem,
        generators=ranked,
        observed_best=next(own for own in ranked if seen and own.found.proposals[0] == seen.proposal),
    )
