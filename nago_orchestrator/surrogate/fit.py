"""Fits the surrogate to evaluations: from the user's units to a `FittedSurrogate` with its diagnostics.

Proposers call `fit_surrogate`; everything compiled is in `sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.surrogate.bayesian_network import Evaluations, Parameters
from nago_orchestrator.surrogate.diagnostics import ObjectiveDiagnostics, diagnose, to_json
from nago_orchestrator.surrogate.fitted import FittedSurrogate
from nago_orchestrator.surrogate.normalisation import CostScale, normalise_points
from nago_orchestrator.surrogate.options import SurrogateOptions
from nago_orchestrator.surrogate.port import Array
from nago_orchestrator.surrogate.sampling import device, evaluate, sample_posteriors
from nago_orchestrator.surrogate.size_classes import pad_rows, size_class


def fit_surrogate(
    points: Array,
    costs: Array,
    samples: NDArray[np.int64] | Array,
    *,
    seed: int,
    options: SurrogateOptions | None = None,
) -> FittedSurrogate:
    """One network per objective, all fitted together; the same arguments give the same surrogate.

    `points`: in the unit cube, shape (points, dimensions), of canonical thetas; any number of them, none included: then
    the prior speaks. `costs`: to be minimised, shape (points, objectives), of any scale; one that is NaN or infinite
    counts as unknown, for that objective alone. `samples`: trials whose mean each cost is, shape (points,).

    A bad fit (see `diagnostics`) is done again with other randomness; if none is good, the one whose chains agree best
    is returned, and its diagnostics say so.
    """
    options = options or SurrogateOptions()
    scale = CostScale.of(costs)
    evaluations = _prepare(points, scale.normalise(costs), np.asarray(samples, np.float64))
    key = jax.random.key(seed % 2**32, impl="threefry2x32")
    fits: list[_Fit] = []
    for attempt in range(options.refits + 1):
        fits.append(_fit(evaluations, jax.random.fold_in(key, attempt), options))
        if not fits[-1].problems:
            break
    best = min(fits, key=lambda fit: (fit.problems, fit.disagreement))
    return FittedSurrogate(
        networks=_thinned(best.draws, options.networks),
        heteroscedastic=options.heteroscedastic,
        scale=scale,
        diagnostics=to_json(best.diagnostics, len(fits), seed),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    draws: Parameters
    diagnostics: list[ObjectiveDiagnostics]

    @property
    def problems(self) -> int:
        return sum(objective.problem is not None for objective in self.diagnostics)

    @property
    def disagreement(self) -> float:
        return sum(objective.r_hat or 0.0 for objective in self.diagnostics)


def _prepare(points: Array, costs: Array, samples: Array) -> Evaluations:
    """Padded to the size class: all objectives share inputs and samples."""
    size = size_class(len(points))
    known = np.isfinite(costs)
    arrays = Evaluations(
        inputs=pad_rows(normalise_points(points), size, 0.0).T,
        costs=pad_rows(np.where(known, costs, 0.0), size, 0.0).T,
        samples=pad_rows(samples, size, 1.0),
        known=pad_rows(known, size, False).T,
    )
    floats = {name: np.asarray(array, np.float32) for name, array in arrays._asdict().items() if name != "known"}
    return Evaluations(**{name: jax.device_put(array, device()) for name, array in floats.items()}, known=arrays.known)


def _fit(evaluations: Evaluations, key: jax.Array, options: SurrogateOptions) -> _Fit:
    draws = sample_posteriors(evaluations, key, options)
    means, noises = evaluate(draws, evaluations.inputs, options.heteroscedastic)
    diagnostics = [
        diagnose(
            np.asarray(means[objective], np.float64)[..., known],
            np.asarray(noises[objective], np.float64)[..., known],
            np.asarray(evaluations.costs[objective], np.float64)[known],
            np.asarray(evaluations.samples, np.float64)[known],
        )
        for objective, known in enumerate(np.asarray(evaluations.known))
    ]
    return _Fit(draws=draws, diagnostics=diagnostics)


def _thinned(draws: Parameters, networks: int) -> Parameters:
    """Evenly from all chains; leading axes (objectives, networks)."""
    flat = {name: leaf.reshape(leaf.shape[0], -1, leaf.shape[-1]) for name, leaf in draws.items()}
    count = flat["weights"].shape[1]
    chosen = np.linspace(0, count - 1, min(networks, count)).astype(int)
    return {name: leaf[:, chosen] for name, leaf in flat.items()}
