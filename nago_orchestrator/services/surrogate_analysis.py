"""The surrogate of a study, fitted anew to what its search found: what `best --posterior` and `report` ask."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.errors import InputError, NagoError
from nago_orchestrator.evaluation.generator_results import Row, searched
from nago_orchestrator.search.posterior import Array, Beliefs, Fit, Taught, hyperparameter_effects, problem_of, teach
from nago_orchestrator.search.surrogate.port import Surrogate
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import BatchSection, MoboSection, phases_of


def objectives_of(status: Row) -> tuple[Objective, ...]:
    """From `study_status`."""
    return tuple(Objective(**{**item, "goal": Goal(item["goal"])}) for item in status["objectives"])


def evaluated_at(evaluations: Sequence[Row], fidelity: int | None) -> list[Row]:
    """The search's evaluations with values at that fidelity."""
    return [row for row in searched(evaluations) if row["outcome"] == Outcome.OK and row["fidelity"] == fidelity]


def least_evaluations(space: SearchSpace) -> int:
    """Below which no surrogate is fitted."""
    return len(space.dimensions) + 2


def taught_surrogate(rows: Sequence[Row], objectives: Sequence[Objective], spec: StudySpec) -> Taught:
    """Of the study's own kind, fitted to evaluations of one fidelity; the same rows give the same.

    Raises InputError without the extra `mobo`, NagoError where there is nothing or too little to learn from.
    """
    space = spec.search_space()
    if not space.dimensions:
        raise NagoError("a surrogate has nothing to learn: every hyperparameter of the study is fixed")
    if len(rows) < least_evaluations(space):
        raise NagoError(
            f"a surrogate needs {least_evaluations(space)} evaluations at one fidelity, two more than "
            f"hyperparameters are searched; there are {len(rows)}"
        )
    return teach(rows, objectives, space, _study_fit(spec))


def study_beliefs(
    rows: Sequence[Row], objectives: Sequence[Objective], spec: StudySpec
) -> tuple[Beliefs | None, str | None]:
    """What the report shows of a surrogate; without it, why."""
    try:
        taught = taught_surrogate(rows, objectives, spec)
    except NagoError as error:
        return None, f"Not shown: {error}."
    beliefs = Beliefs(
        fidelity=rows[0]["fidelity"],
        evaluations=len(taught.rows),
        effects=hyperparameter_effects(taught, spec.search_space()),
        problem=taught.problem,
    )
    return beliefs, None


def _study_fit(spec: StudySpec) -> Fit:
    """Of the newest phase that has a surrogate; of other searches the paper's, a heteroscedastic network."""
    asked = [phase for phase in phases_of(spec.search) if isinstance(phase, BatchSection)]
    newest = asked[-1] if asked else None
    try:
        if isinstance(newest, MoboSection) and newest.surrogate == "network":
            return _network_fit(spec.seed, heteroscedastic=newest.noise == "heteroscedastic")
        return _process_fit(spec.seed) if newest else _network_fit(spec.seed, heteroscedastic=True)
    except ModuleNotFoundError as error:
        raise InputError(
            f"a surrogate needs the package {error.name}: pip install 'nago-orchestrator[mobo]'"
        ) from error


def _network_fit(seed: int, *, heteroscedastic: bool) -> Fit:
    from nago_orchestrator.search.surrogate.fit import fit_surrogate
    from nago_orchestrator.search.surrogate.options import SurrogateOptions

    def fit(points: Array, costs: Array, samples: Array) -> tuple[Surrogate, str | None]:
        options = SurrogateOptions(heteroscedastic=heteroscedastic)
        surrogate = fit_surrogate(points, costs, samples, seed=seed, options=options)
        return surrogate, problem_of(surrogate.diagnostics)

    return fit


def _process_fit(seed: int) -> Fit:
    from nago_orchestrator.search.surrogate.gaussian_process import fit_gaussian_processes
    from nago_orchestrator.search.surrogate.held_out import held_out_diagnostics

    def fit(points: Array, costs: Array, samples: Array) -> tuple[Surrogate, str | None]:
        surrogate = fit_gaussian_processes(points, costs, samples, seed=seed)
        return surrogate, problem_of({"objectives": held_out_diagnostics(surrogate.leave_one_out())})

    return fit
