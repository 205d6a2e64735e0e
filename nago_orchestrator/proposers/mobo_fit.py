"""The surrogates that a multi-objective search can be given, each as `mobo_batch.Fit` with its diagnostics as notes."""

from __future__ import annotations

import numpy as np

from nago_orchestrator.proposers.mobo_batch import Fitted
from nago_orchestrator.surrogate.gaussian_process import fit_gaussian_processes
from nago_orchestrator.surrogate.port import Array


def fit_gaussian(points: Array, costs: Array, samples: Array, seed: int) -> Fitted:
    """A Gaussian process per objective. Notes: the noise and the length scales it found, per objective."""
    surrogate = fit_gaussian_processes(points, costs, samples, seed=seed)
    return Fitted(
        surrogate=surrogate,
        notes={
            "surrogate": "gaussian process",
            "noise_deviation": [round(float(np.exp(0.5 * own.noise)), 6) for own in surrogate.hyperparameters],
            "noise_slope": [np.round(own.slope, 3).tolist() for own in surrogate.hyperparameters],
            "length_scales": [np.round(np.exp(own.lengths), 3).tolist() for own in surrogate.hyperparameters],
        },
    )
