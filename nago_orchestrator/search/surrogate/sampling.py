"""The compiled part of a fit: all chains of all objectives in one loop of SGHMC.

Full gradients: some hundred evaluations of a network of some hundred weights cost less than the bookkeeping of
minibatches, and bring no noise of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import jax
import jax.numpy as jnp
from numpyro.infer.util import potential_energy

from nago_orchestrator.search.surrogate import sghmc
from nago_orchestrator.search.surrogate.bayesian_network import (
    Evaluations,
    Parameters,
    bayesian_network,
    forward,
    parameter_sizes,
)
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.sghmc import SghmcSettings, SghmcState


class Draws(NamedTuple):
    """After burn-in; leading axes (objectives, chains, draws)."""

    parameters: Parameters
    energy: jax.Array
    """-log p(parameters, costs)."""


@partial(jax.jit, static_argnames="options")
def sample_posteriors(evaluations: Evaluations, key: jax.Array, options: SurrogateOptions) -> Draws:
    """Of every objective. `evaluations`: with a leading axis for objectives in `costs` and `known` alone.

    The chains of all objectives are one state: SGHMC works elementwise, so that each is a chain of its own, and one
    array costs a fraction of many small ones.
    """
    energies = _energies(evaluations, options)
    gradient = jax.grad(lambda positions: jnp.sum(energies(positions)))

    def advance(state: SghmcState, at: _Step) -> tuple[SghmcState, None]:
        settings = SghmcSettings(at.step_size, options.friction, at.temperature, gradient_noise=0.0)
        return sghmc.step(state, gradient(state.position), at.key, settings), None

    def block(state: SghmcState, steps: _Step) -> tuple[SghmcState, jax.Array]:
        state, _ = jax.lax.scan(advance, state, steps)
        return state, state.position

    start_key, step_key = jax.random.split(key)
    start = _start(start_key, evaluations, options)
    _, positions = jax.lax.scan(block, start, _schedule(step_key, options))
    kept = positions[-options.draws :]
    return Draws(
        parameters=_as_parameters(jnp.moveaxis(kept, 0, 2), evaluations.inputs.shape[0]),
        energy=jnp.moveaxis(jax.lax.map(energies, kept), 0, 2),
    )


@partial(jax.jit, static_argnames="heteroscedastic")
def evaluate(parameters: Parameters, inputs: jax.Array, heteroscedastic: bool) -> tuple[jax.Array, jax.Array]:
    """Mean and noise variance of every network at every point, shape (*parameters' leading axes, points)."""
    network = partial(forward, heteroscedastic=heteroscedastic)
    for _ in range(parameters["weights"].ndim - 1):
        network = jax.vmap(network, in_axes=(0, None))
    return network(parameters, inputs)


class _Step(NamedTuple):
    """What one step is given; or many, with leading axes (blocks, steps of a block)."""

    key: jax.Array
    step_size: jax.Array
    temperature: jax.Array


def _schedule(key: jax.Array, options: SurrogateOptions) -> _Step:
    """Of burn-in and draws, in blocks of `thinning` steps: burn-in is rounded up to whole ones."""
    blocks = -(-options.burn_in // options.thinning) + options.draws
    steps = jnp.arange(blocks * options.thinning).reshape(blocks, options.thinning)
    done = jnp.minimum(steps / max(options.descent, 1), 1.0)
    step_sizes = options.descent_step_size ** (1 - done) * options.step_size**done
    return _Step(
        key=jax.random.split(key, steps.shape),
        step_size=step_sizes.astype(jnp.float32),
        temperature=(steps >= options.descent).astype(jnp.float32),
    )


def _start(key: jax.Array, evaluations: Evaluations, options: SurrogateOptions) -> SghmcState:
    """Weights from the prior; scales, relevance and noise at its centre."""
    sizes = parameter_sizes(evaluations.inputs.shape[0])
    shape = evaluations.costs.shape[0], options.chains
    drawn = jax.random.normal(key, (*shape, sizes["weights"]), jnp.float32)
    centre = jnp.zeros((*shape, sum(sizes.values()) - sizes["weights"]), jnp.float32)
    return sghmc.init(jnp.concatenate([drawn, centre], axis=-1), options.burn_in)


def _energies(evaluations: Evaluations, options: SurrogateOptions) -> Callable[[jax.Array], jax.Array]:
    """Of positions of shape (objectives, chains, parameters), shape (objectives, chains)."""

    def energy(costs: jax.Array, known: jax.Array, position: jax.Array) -> jax.Array:
        own = evaluations._replace(costs=costs, known=known)
        parameters = _as_parameters(position, own.inputs.shape[0])
        value: jax.Array = potential_energy(bayesian_network, (own, options.heteroscedastic), {}, parameters)
        return value

    of_chains = jax.vmap(energy, in_axes=(None, None, 0))
    return partial(jax.vmap(of_chains), evaluations.costs, evaluations.known)


def _as_parameters(positions: jax.Array, dimensions: int) -> Parameters:
    """By site: the last axis of `positions` is that of all parameters."""
    sizes = parameter_sizes(dimensions)
    ends = list(accumulate(sizes.values()))[:-1]
    return dict(zip(sizes, jnp.split(positions, ends, axis=-1), strict=True))
