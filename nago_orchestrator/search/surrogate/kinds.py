"""The kinds of surrogates, and which of them a section of the study file asks for."""

from __future__ import annotations

import numpy as np

from nago_orchestrator.search.surrogate.gaussian_process import fit_gaussian_processes
from nago_orchestrator.search.surrogate.held_out import held_out_diagnostics
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.port import Array, Fit, Fitted
from nago_orchestrator.spec.search import BatchSection, MoboSection


def fit_of(section: BatchSection | None) -> Fit:
    """Of the surrogate of a search; of the paper's, a heteroscedastic network, where a search has none."""
    if section is None:
        return network_fit()
    if isinstance(section, MoboSection) and section.surrogate == "network":
        return network_fit(SurrogateOptions(heteroscedastic=section.noise == "heteroscedastic"))
    return fit_gaussian


def network_fit(options: SurrogateOptions | None = None) -> Fit:
    """The paper's: a Bayesian network per objective. jax is loaded by the first fit. Notes: its diagnostics."""

    def fit(points: Array, costs: Array, samples: Array, seed: int) -> Fitted:
        # Here, because jax takes seconds to load: a resumed study, or one with the other kind, does without.
        from nago_orchestrator.search.surrogate.fit import fit_surrogate

        surrogate = fit_surrogate(points, costs, samples, seed=seed, options=options)
        return Fitted(surrogate=surrogate, notes={"model": "bayesian network", **surrogate.diagnostics})

    return fit


def fit_gaussian(points: Array, costs: Array, samples: Array, seed: int) -> Fitted:
    """A Gaussian process per objective. Notes, per objective: how well it predicts evaluations that are left out, and
    the noise and the length scales it found."""
    surrogate = fit_gaussian_processes(points, costs, samples, seed=seed)
    objectives = held_out_diagnostics(surrogate.leave_one_out())
    return Fitted(
        surrogate=surrogate,
        notes={
            "model": "gaussian process",
            "good": not any(own["problem"] for own in objectives),
            "objectives": objectives,
            "noise_deviation": [round(float(np.exp(0.5 * own.noise)), 6) for own in surrogate.hyperparameters],
            "noise_slope": [np.round(own.slope, 3).tolist() for own in surrogate.hyperparameters],
            "length_scales": [np.round(np.exp(own.lengths), 3).tolist() for own in surrogate.hyperparameters],
        },
    )
