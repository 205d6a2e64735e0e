"""Fits the surrogate to evaluations: from the user's units to a `FittedSurrogate` with its diagnostics.

Proposers call `fit_surrogate`; everything compiled is in `sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.search.surrogate.bayesian_network import Evaluations, Parameters
from nago_orchestrator.search.surrogate.diagnostics import (
    ChainsAtPoints,
    ObjectiveDiagnostics,
    at_equilibrium,
    diagnose,
    to_json,
)
from nago_orchestrator.search.surrogate.fitted import FittedSurrogate
from nago_orchestrator.search.surrogate.normalisation import CostScale, normalise_points
from nago_orchestrator.search.surrogate.on_processor import on_processor
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.port import Array
from nago_orchestrator.search.surrogate.sampling import evaluate, sample_posteriors
from nago_orchestrator.search.surrogate.size_classes import pad_rows, size_class

_BOUND = 20.0


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

    A bad fit (see `diagnostics`) is done again with other randomness; if none is good, the one with the fewest diverged
    objectives is returned, then the fewest problems, then the best agreement; its diagnostics say so.
    """
    options = options or SurrogateOptions()
    scale = CostScale.of(costs)
    with on_processor():
        evaluations = _prepare(points, scale.normalise(costs), np.asarray(samples, np.float64))
        fits = _fit_until_good(evaluations, seed, options)
    best = _best(fits)
    return FittedSurrogate(
        networks=best.networks,
        heteroscedastic=options.heteroscedastic,
        scale=scale,
        diagnostics=to_json(best.diagnostics, len(fits), seed),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    networks: Parameters
    diagnostics: list[ObjectiveDiagnostics]

    @property
    def diverged(self) -> int:
        """Objectives that have evaluations, and no chains to compare."""
        return sum(objective.diverged for objective in self.diagnostics)

    @property
    def problems(self) -> int:
        return sum(objective.problem is not None for objective in self.diagnostics)

    @property
    def disagreement(self) -> float:
        """Of the objectives that can be judged; counts only between fits with as many of them."""
        return sum(objective.r_hat for objective in self.diagnostics if objective.r_hat is not None)


def _fit_until_good(evaluations: Evaluations, seed: int, options: SurrogateOptions) -> list[_Fit]:
    fits: list[_Fit] = []
    for key in jax.random.split(_key(seed), options.refits + 1):
        fits.append(_fit(evaluations, key, options))
        if not fits[-1].problems:
            break
    return fits


def _best(fits: list[_Fit]) -> _Fit:
    return min(fits, key=lambda fit: (fit.diverged, fit.problems, fit.disagreement))


def _prepare(points: Array, costs: Array, samples: Array) -> Evaluations:
    """Padded to the size class: all objectives share inputs and samples."""
    size = size_class(len(points))
    known = np.isfinite(costs)
    return Evaluations(
        inputs=jnp.asarray(pad_rows(normalise_points(points), size, 0.0).T, jnp.float32),
        costs=jnp.asarray(pad_rows(np.where(known, costs, 0.0), size, 0.0).T, jnp.float32),
        samples=jnp.asarray(pad_rows(samples, size, 1.0), jnp.float32),
        known=jnp.asarray(pad_rows(known, size, False).T),
    )


def _key(seed: int) -> jax.Array:
    """From all 64 bits of the seed; of one kind, whatever JAX's default is."""
    low, high = seed % 2**32, (seed >> 32) % 2**32
    return jax.random.fold_in(jax.random.key(np.uint32(low), impl="threefry2x32"), np.uint32(high))


def _fit(evaluations: Evaluations, key: jax.Array, options: SurrogateOptions) -> _Fit:
    draws = sample_posteriors(evaluations, key, options)
    kept = at_equilibrium(np.asarray(draws.energy, np.float64), _count(draws.parameters))
    means, noises = evaluate(draws.parameters, evaluations.inputs, options.heteroscedastic)
    diagnostics = [
        diagnose(
            ChainsAtPoints(
                means=np.asarray(means[objective], np.float64)[..., known],
                noises=np.asarray(noises[objective], np.float64)[..., known],
                kept=kept[objective],
            ),
            np.asarray(evaluations.costs[objective], np.float64)[known],
            np.asarray(evaluations.samples, np.float64)[known],
        )
        for objective, known in enumerate(np.asarray(evaluations.known))
    ]
    return _Fit(networks=_chosen(draws.parameters, kept, options.networks), diagnostics=diagnostics)


def _count(parameters: Parameters) -> int:
    return sum(leaf.shape[-1] for leaf in parameters.values())


def _chosen(parameters: Parameters, kept: NDArray[np.bool_], networks: int) -> Parameters:
    """Evenly from what was kept of all chains; leading axes (objectives, networks).

    Under the prior all are of unit scale: a value beyond the bound, or none, is of a chain that diverged. Cut off, it
    still gives a finite function.
    """
    indices = [np.flatnonzero(own) for own in kept]
    chosen = np.array([own[np.linspace(0, len(own) - 1, networks).astype(int)] for own in indices])
    rows = np.arange(len(chosen))[:, None]
    flat = {name: leaf.reshape(leaf.shape[0], -1, leaf.shape[-1]) for name, leaf in parameters.items()}
    return {name: jnp.clip(jnp.nan_to_num(leaf[rows, chosen]), -_BOUND, _BOUND) for name, leaf in flat.items()}
