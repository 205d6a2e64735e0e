"""What a fit gives: predictions, their gradient, and single functions of the posterior. Compiled, in padded sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nago_orchestrator.search.surrogate.bayesian_network import Parameters
from nago_orchestrator.search.surrogate.normalisation import CostScale, normalise_points
from nago_orchestrator.search.surrogate.on_processor import on_processor
from nago_orchestrator.search.surrogate.port import Array, Prediction
from nago_orchestrator.search.surrogate.sampling import evaluate
from nago_orchestrator.search.surrogate.size_classes import pad_rows, size_class

LARGEST_BATCH = 1024
"""Points evaluated at once: more are done in turns, so that memory stays bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedSurrogate:
    """Implements `port.Surrogate`. Its predictions are finite, whatever it was fitted to."""

    networks: Parameters
    """Leading axes (objectives, networks)."""
    heteroscedastic: bool
    scale: CostScale
    diagnostics: Mapping[str, Any]
    """JSON: whether the fit is good, how many fits it took, and of each objective R-hat, effective sample size and
    coverage of the training costs; see `diagnostics`."""

    def predict(self, points: Array) -> Prediction:
        """With M networks w_i of the posterior (paper, section 2.2): mean f = Σ f(x; w_i) / M; epistemic variance
        Σ (f(x; w_i) - f)² / M; aleatoric variance Σ s²(x; w_i) / M, of a single trial."""
        moments = partial(_moments, self.networks, heteroscedastic=self.heteroscedastic)
        mean, epistemic, aleatoric = _in_batches(moments, points)
        variance = self.scale.deviation**2
        return Prediction(
            mean=self.scale.centre + self.scale.deviation * mean,
            epistemic=variance * epistemic,
            aleatoric=variance * aleatoric,
        )

    def mean_gradient(self, points: Array) -> Array:
        """Of the predictive mean with respect to the points, shape (points, objectives, dimensions)."""
        (gradient,) = _in_batches(partial(_gradients, self.networks), points)
        return self.scale.deviation[:, None] * gradient

    def draw(self, points: Array, seed: int) -> Array:
        """One network per objective, drawn independently: shape (points, objectives)."""
        objectives, networks = self.networks["weights"].shape[:2]
        chosen = np.random.default_rng(seed).integers(networks, size=objectives)
        one = {name: leaf[np.arange(objectives), chosen] for name, leaf in self.networks.items()}
        (values,) = _in_batches(partial(_means, one), points)
        return self.scale.centre + self.scale.deviation * values


def _in_batches(compiled: Callable[[jax.Array], tuple[jax.Array, ...]], points: Array) -> tuple[Array, ...]:
    """`compiled` of normalised points of shape (points, dimensions); its results have the points first."""
    batches = [points[start : start + LARGEST_BATCH] for start in range(0, max(len(points), 1), LARGEST_BATCH)]
    with on_processor():
        done = [[np.asarray(part, np.float64)[: len(batch)] for part in compiled(_padded(batch))] for batch in batches]
    return tuple(np.concatenate(parts) for parts in zip(*done, strict=True))


def _padded(points: Array) -> jax.Array:
    padded = pad_rows(normalise_points(points), size_class(len(points)), 0.0)
    return jnp.asarray(padded, jnp.float32)


@partial(jax.jit, static_argnames="heteroscedastic")
def _moments(networks: Parameters, points: jax.Array, heteroscedastic: bool) -> tuple[jax.Array, ...]:
    means, noises = evaluate(networks, points.T, heteroscedastic)
    return means.mean(1).T, means.var(1).T, noises.mean(1).T


@jax.jit
def _means(networks: Parameters, points: jax.Array) -> tuple[jax.Array]:
    return (evaluate(networks, points.T, False)[0].T,)


@jax.jit
def _gradients(networks: Parameters, points: jax.Array) -> tuple[jax.Array]:
    def total(points: jax.Array, networks: Parameters) -> jax.Array:
        """Summed over points, of which each depends on itself alone: its gradient is all of theirs."""
        return jnp.sum(jnp.mean(evaluate(networks, points.T, False)[0], 0))

    by_objective = jax.vmap(jax.grad(total), in_axes=(None, 0))(points, networks)
    return (jnp.swapaxes(by_objective, 0, 1) * jnp.sqrt(12.0),)
