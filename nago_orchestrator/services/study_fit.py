"""How the surrogate of a study's own search is fitted. Needs the extra `mobo`."""

from __future__ import annotations

from nago_orchestrator.search.posterior import Array, Fit, problem_of
from nago_orchestrator.search.surrogate.fit import fit_surrogate
from nago_orchestrator.search.surrogate.gaussian_process import fit_gaussian_processes
from nago_orchestrator.search.surrogate.held_out import held_out_diagnostics
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.port import Surrogate
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import BatchSection, MoboSection, phases_of


def study_fit(spec: StudySpec) -> Fit:
    """Of the newest phase that has a surrogate; of other searches the paper's, a heteroscedastic network."""
    asked = [phase for phase in phases_of(spec.search) if isinstance(phase, BatchSection)]
    newest = asked[-1] if asked else None
    if isinstance(newest, MoboSection) and newest.surrogate == "network":
        return _network_fit(spec.seed, heteroscedastic=newest.noise == "heteroscedastic")
    return _process_fit(spec.seed) if newest else _network_fit(spec.seed, heteroscedastic=True)


def _network_fit(seed: int, *, heteroscedastic: bool) -> Fit:
    def fit(points: Array, costs: Array, samples: Array) -> tuple[Surrogate, str | None]:
        options = SurrogateOptions(heteroscedastic=heteroscedastic)
        surrogate = fit_surrogate(points, costs, samples, seed=seed, options=options)
        return surrogate, problem_of(surrogate.diagnostics)

    return fit


def _process_fit(seed: int) -> Fit:
    def fit(points: Array, costs: Array, samples: Array) -> tuple[Surrogate, str | None]:
        surrogate = fit_gaussian_processes(points, costs, samples, seed=seed)
        return surrogate, problem_of({"objectives": held_out_diagnostics(surrogate.leave_one_out())})

    return fit
