"""The surrogate of a study, fitted anew to what its search found: what `best --posterior` and `report` ask."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import NagoError, needing
from nago_orchestrator.search.posterior import FittedPosterior, PosteriorEffects, fit_posterior, hyperparameter_effects
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import BatchSection, phases_of


def least_evaluations(space: SearchSpace) -> int:
    """Below which no surrogate is fitted."""
    return len(space.dimensions) + 2


def fitted_posterior(
    rows: Sequence[EvaluationRow], objectives: Sequence[Objective], spec: StudySpec
) -> FittedPosterior:
    """Of the kind that the study's newest phase with one asks for, fitted to evaluations of one fidelity.

    The same rows give the same.

    Raises InputError without the extra `mobo`, NagoError where there is nothing or too little to learn from.
    """
    space = spec.search_space()
    if not space.dimensions:
        raise NagoError("a surrogate needs a searched hyperparameter, and the study has fixed all of them")
    if len(rows) < least_evaluations(space):
        raise NagoError(
            f"a surrogate needs {least_evaluations(space)} evaluations at one fidelity (searched hyperparameters + 2), "
            f"and the study has {len(rows)}"
        )
    asked = [phase for phase in phases_of(spec.search) if isinstance(phase, BatchSection)]
    with needing("mobo", what="a surrogate"):
        kinds = import_module("nago_orchestrator.search.surrogate.kinds")  # scipy belongs to the extra
        return fit_posterior(rows, objectives, space, kinds.fit_of(asked[-1] if asked else None), spec.seed)


def posterior_effects(
    rows: Sequence[EvaluationRow], objectives: Sequence[Objective], spec: StudySpec
) -> tuple[PosteriorEffects | None, str | None]:
    """What the report shows of a surrogate; without it, why."""
    try:
        fitted = fitted_posterior(rows, objectives, spec)
    except NagoError as error:
        return None, f"Not shown: {error}."
    effects = PosteriorEffects(
        fidelity=rows[0].fidelity,
        evaluations=len(fitted.rows),
        effects=hyperparameter_effects(fitted, spec.search_space()),
        problem=fitted.problem,
    )
    return effects, None
