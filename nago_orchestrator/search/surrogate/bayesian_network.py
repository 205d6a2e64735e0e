"""The surrogate's model of one objective: a small Bayesian network with a mean and a noise, in NumPyro's words.

Three layers of ten tanh units and two linear outputs (paper, section 2.2): with normalised inputs x and costs y,

    y ~ N( f(x; w), s²(x; w) / k ),     s²(x; w) = s₀² + exp(level + h(x; w))        k trials averaged in y

where f and h are the network's outputs; without h the noise is one learnt number (the homoscedastic variant).

Priors, all on numbers of unit scale (z ~ N(0, 1), the form in which chains mix well):

    w_l = z · exp(z_l / 2) · c_l / √(inputs of layer l)     every layer learns its scale, c = 0.7, 1.2, 1.2, 1
    first layer: times exp(z_d / 2) for input d             automatic relevance: few hyperparameters matter
    level = ln 0.05 + 1.5 z,   weights of h times 0.8       the noise

These scales were tried out on six functions of 2 to 8 dimensions, four of them without noise, at 120 points. Learnt
scales and relevance helped; between neighbouring values of c and of the deviations, seeds made more difference.

The noise's prior. The code that the paper builds on adds -(ln s² - ln 1e-6)² / (2 · 0.01) to the log density: a
standard deviation of 0.1 around one millionth of the costs' variance, which no data of a hundred points moves: noise is
pulled to nothing, and the mean has to follow every evaluation. Here the level's prior is centred at a twentieth of the
observed variance, and its three standard deviations reach from 0.06 % of it to all of it and more, so that the level is
learnt; how noise varies with the input is learnt as well, from a prior of about a factor exp(±0.8). s₀² = 3e-4 (1.7 %
of the costs' deviation) bounds how steep the energy is, without which no step size is small enough; noise above 1.3
times the observed variance is cut off smoothly: single draws far beyond it would rule the mean of s².
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpyro
from numpyro import distributions as dist

UNITS = 10
HIDDEN_LAYERS = 3
OUTPUTS = 2
PRIOR_SCALES = (0.7, 1.2, 1.2, 1.0)
SCALE_SPREAD = 0.5
RELEVANCE_SPREAD = 0.5
NOISE_CENTRE = math.log(0.05)
NOISE_SPREAD = 1.5
NOISE_VARIATION = 0.8
LEAST_NOISE = 3e-4
MOST_LOG_NOISE = math.log(1.3)

Parameters = dict[str, jax.Array]
"""By site: weights, layer_scales, relevance, noise_level; all of unit scale under the prior."""


class Evaluations(NamedTuple):
    """Of one objective, normalised and padded to a size class."""

    inputs: jax.Array
    """Shape (dimensions, size): points last, the layout in which small matrix products are quick."""
    costs: jax.Array
    samples: jax.Array
    """Trials behind each cost."""
    known: jax.Array
    """False for padding and for costs that are not finite."""


def bayesian_network(evaluations: Evaluations, heteroscedastic: bool) -> None:
    """The model, for any NumPyro inference."""
    dimensions = evaluations.inputs.shape[0]
    parameters = {
        name: numpyro.sample(name, dist.Normal(0.0, 1.0).expand([size]).to_event(1))
        for name, size in parameter_sizes(dimensions).items()
    }
    mean, noise = forward(parameters, evaluations.inputs, heteroscedastic)
    with numpyro.plate("evaluations", evaluations.costs.shape[0]):
        likelihood = dist.Normal(mean, jnp.sqrt(noise / evaluations.samples))
        numpyro.sample("costs", likelihood.mask(evaluations.known), obs=evaluations.costs)


def parameter_sizes(dimensions: int) -> dict[str, int]:
    weights = sum(rows * (columns + 1) for rows, columns in _layers(dimensions))
    return {"weights": weights, "layer_scales": HIDDEN_LAYERS + 1, "relevance": dimensions, "noise_level": 1}


def forward(parameters: Parameters, inputs: jax.Array, heteroscedastic: bool) -> tuple[jax.Array, jax.Array]:
    """Mean and noise variance, each of shape (points,), of inputs of shape (dimensions, points)."""
    hidden = inputs * jnp.exp(RELEVANCE_SPREAD * parameters["relevance"])[:, None]
    *layers, last = _weights_and_biases(parameters, inputs.shape[0])
    for weights, biases in layers:
        hidden = jnp.tanh(weights @ hidden + biases[:, None])
    weights, biases = last
    outputs = weights @ hidden + biases[:, None]
    log_noise = NOISE_CENTRE + NOISE_SPREAD * parameters["noise_level"][0]
    if heteroscedastic:
        log_noise = log_noise + NOISE_VARIATION * outputs[1]
    bounded = MOST_LOG_NOISE - jax.nn.softplus(MOST_LOG_NOISE - log_noise)
    return outputs[0], LEAST_NOISE + jnp.exp(bounded) * jnp.ones_like(outputs[0])


def _weights_and_biases(parameters: Parameters, dimensions: int) -> list[tuple[jax.Array, jax.Array]]:
    layers, start = [], 0
    for number, (rows, columns) in enumerate(_layers(dimensions)):
        scale = PRIOR_SCALES[number] * jnp.exp(SCALE_SPREAD * parameters["layer_scales"][number])
        end = start + rows * columns
        weights = parameters["weights"][start:end].reshape(rows, columns)
        start = end + rows
        layers.append((scale / math.sqrt(columns) * weights, scale * parameters["weights"][end:start]))
    return layers


def _layers(dimensions: int) -> list[tuple[int, int]]:
    """(outputs, inputs) of each."""
    return [(UNITS, dimensions), *[(UNITS, UNITS)] * (HIDDEN_LAYERS - 1), (OUTPUTS, UNITS)]
