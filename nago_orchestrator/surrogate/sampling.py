"""The compiled part of a fit: all chains of all objectives in one loop of SGHMC.

Full gradients: some hundred evaluations of a network of some hundred weights cost less than the bookkeeping of
minibatches, and bring no noise of their own. In float32: normalised costs are compared to a hundredth of their spread
at best, which leaves five digits, at half the time and memory of float64 and without switching a setting of JAX that
other users of it in the same process would feel.
"""

from __future__ import annotations

from functools import cache, partial

import jax
import jax.numpy as jnp
from numpyro.infer.util import potential_energy

from nago_orchestrator.surrogate import sghmc
from nago_orchestrator.surrogate.bayesian_network import (
    Evaluations,
    Parameters,
    bayesian_network,
    forward,
    parameter_sizes,
)
from nago_orchestrator.surrogate.options import SurrogateOptions
from nago_orchestrator.surrogate.sghmc import Scalar, SghmcSettings, SghmcState


@cache
def device() -> jax.Device:
    """Where all of the surrogate runs: the processor, also where there is a GPU, which is the trainers'."""
    return jax.devices("cpu")[0]


@partial(jax.jit, static_argnames="options")
def sample_posteriors(evaluations: Evaluations, key: jax.Array, options: SurrogateOptions) -> Parameters:
    """Draws for every objective, with leading axes (objectives, chains, draws).

    `evaluations`: of all objectives, with a leading axis for them in `costs` and `known` only.
    """
    objectives = evaluations.costs.shape[0]
    keys = jax.random.split(key, objectives)
    axes = Evaluations(inputs=None, costs=0, samples=None, known=0)
    return jax.vmap(partial(_sample_one, options=options), in_axes=(axes, 0))(evaluations, keys)


@partial(jax.jit, static_argnames="heteroscedastic")
def evaluate(parameters: Parameters, inputs: jax.Array, heteroscedastic: bool) -> tuple[jax.Array, jax.Array]:
    """Mean and noise variance of every network at every point, shape (*parameters' leading axes, points)."""
    network = partial(forward, heteroscedastic=heteroscedastic)
    for _ in range(parameters["weights"].ndim - 1):
        network = jax.vmap(network, in_axes=(0, None))
    return network(parameters, inputs)


def _sample_one(evaluations: Evaluations, key: jax.Array, options: SurrogateOptions) -> Parameters:
    start_key, burn_in_key, draws_key = jax.random.split(key, 3)
    state = _start(start_key, evaluations.inputs.shape[0], options)

    def advance(state: SghmcState, key: jax.Array, step_size: Scalar, temperature: Scalar) -> SghmcState:
        settings = SghmcSettings(step_size, options.friction, temperature, gradient_noise=0.0)
        gradient = jax.vmap(jax.grad(partial(_energy, evaluations, options)))(state.position)
        keys = jax.random.split(key, options.chains)
        return jax.vmap(sghmc.step, in_axes=(0, 0, 0, None))(state, gradient, keys, settings)

    def warm(state: SghmcState, at: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[SghmcState, None]:
        return advance(state, *at), None

    def sample(state: SghmcState, key: jax.Array) -> tuple[SghmcState, None]:
        return advance(state, key, options.step_size, 1.0), None

    def draw(state: SghmcState, key: jax.Array) -> tuple[SghmcState, Parameters]:
        state, _ = jax.lax.scan(sample, state, jax.random.split(key, options.thinning))
        return state, state.position

    keys = jax.random.split(burn_in_key, options.burn_in)
    state, _ = jax.lax.scan(warm, state, (keys, *_burn_in_schedule(options)))
    _, draws = jax.lax.scan(draw, state, jax.random.split(draws_key, options.draws))
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), draws)


def _burn_in_schedule(options: SurrogateOptions) -> tuple[jax.Array, jax.Array]:
    """Step size and temperature of every step."""
    steps = jnp.arange(options.burn_in)
    done = jnp.minimum(steps / max(options.descent, 1), 1.0)
    step_sizes = options.descent_step_size ** (1 - done) * options.step_size**done
    return step_sizes, jnp.where(steps < options.descent, 0.0, 1.0)


def _energy(evaluations: Evaluations, options: SurrogateOptions, parameters: Parameters) -> jax.Array:
    energy: jax.Array = potential_energy(bayesian_network, (evaluations, options.heteroscedastic), {}, parameters)
    return energy


def _start(key: jax.Array, dimensions: int, options: SurrogateOptions) -> SghmcState:
    """Weights from the prior; scales, relevance and noise at its centre."""
    sizes = parameter_sizes(dimensions)
    position = {name: jnp.zeros((options.chains, size)) for name, size in sizes.items()}
    position["weights"] = jax.random.normal(key, (options.chains, sizes["weights"]))
    return jax.vmap(partial(sghmc.init, burn_in=options.burn_in))(position)
