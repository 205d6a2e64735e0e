"""Scale-adapted stochastic gradient Hamiltonian Monte Carlo: one chain as a pure `init` and `step` over pytrees.

Springenberg, Klein, Falkner, Hutter, "Bayesian Optimization with Robust Bayesian Neural Networks" (2016), section 3.2,
on Chen, Fox, Guestrin, "Stochastic Gradient Hamiltonian Monte Carlo" (2014). Used by `sghmc_kernel` for any NumPyro
model and by `fit` for the surrogate. Nothing here knows what is sampled.

With G the gradient of the energy U = -log p(position, data), a minibatch's gradient scaled to all data, and everything
elementwise, a step of the burn-in first adapts (old values on the right)

    r = 1 / (tau + 1)      tau += 1 - tau g² / (v̂ + ϵ)      g += r (G - g)      v̂ += r (G² - v̂)

and every step then moves, with step size ε, friction α and temperature T (1 samples, 0 descends),

    M⁻¹ = 1 / (√v̂ + ϵ)     momentum += -ε² M⁻¹ G - α momentum + N(0, T s²)     position += momentum
    s² = 2 ε² α M⁻¹ - ε⁴ b

where b = 1 takes the gradient's own noise for v̂, as the authors do, and b = 0 is right for gradients of all data.

How far the samples are from the target: on a Gaussian of precision h the chain's stationary variance is exactly

    (1/h) · (1 - b ε² / (2 α M⁻¹)) / (1 - ε² M⁻¹ h / (4 - 2 α)).

So the error grows with the square of the step size, and stiff directions are too wide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Tree = Any
"""A pytree of floating arrays; all trees of one chain have the position's structure and shapes."""
Scalar = float | jax.Array


class SghmcSettings(NamedTuple):
    """Numbers or traced scalars, so that a compiled loop may change them between steps. Defaults are the authors'."""

    step_size: Scalar = 1e-2
    friction: Scalar = 0.05
    """Share of the momentum that one step takes away."""
    temperature: Scalar = 1.0
    gradient_noise: Scalar = 1.0
    """b above: how much of v̂ is noise of minibatches; 0 where gradients are those of all data."""
    epsilon: Scalar = 1e-10


class SghmcState(NamedTuple):
    """One chain between two steps."""

    position: Tree
    momentum: Tree
    tau: Tree
    """Length of the window over which g and v̂ are averaged, in steps."""
    g: Tree
    """Averaged gradient."""
    v_hat: Tree
    """Averaged square of the gradient."""
    step: jax.Array
    """Steps made; int32."""
    burn_in: jax.Array
    """How many of them adapt tau, g and v̂: the first ones; int32."""


def init(position: Tree, burn_in: int) -> SghmcState:
    """A chain at rest at `position`."""
    ones = jax.tree.map(jnp.ones_like, position)
    return SghmcState(
        position=position,
        momentum=jax.tree.map(jnp.zeros_like, position),
        tau=ones,
        g=ones,
        v_hat=ones,
        step=jnp.zeros((), jnp.int32),
        burn_in=jnp.asarray(burn_in, jnp.int32),
    )


def step(state: SghmcState, gradient: Tree, key: jax.Array, settings: SghmcSettings) -> SghmcState:
    """Advance by one step. `gradient`: of the energy at `state.position`; `key`: for this step alone."""
    tau, g, v_hat = _adapt(state, gradient, settings.epsilon)
    noise = _standard_normal(key, state.position)

    def moved(momentum: jax.Array, gradient: jax.Array, v_hat: jax.Array, noise: jax.Array) -> jax.Array:
        return _next_momentum(momentum, gradient, v_hat, noise, settings)

    momentum = jax.tree.map(moved, state.momentum, gradient, v_hat, noise)
    position = jax.tree.map(jnp.add, state.position, momentum)
    return SghmcState(position, momentum, tau, g, v_hat, state.step + 1, state.burn_in)


def _adapt(state: SghmcState, gradient: Tree, epsilon: Scalar) -> tuple[Tree, Tree, Tree]:
    adapting = state.step < state.burn_in
    averages = state.tau, state.g, state.v_hat
    adapted = (
        jax.tree.map(lambda tau, g, v: tau + 1 - tau * g**2 / (v + epsilon), *averages),
        jax.tree.map(lambda tau, g, new: g + (new - g) / (tau + 1), state.tau, state.g, gradient),
        jax.tree.map(lambda tau, v, new: v + (new**2 - v) / (tau + 1), state.tau, state.v_hat, gradient),
    )
    chosen: tuple[Tree, Tree, Tree] = jax.tree.map(lambda new, old: jnp.where(adapting, new, old), adapted, averages)
    return chosen


def _next_momentum(
    momentum: jax.Array, gradient: jax.Array, v_hat: jax.Array, noise: jax.Array, settings: SghmcSettings
) -> jax.Array:
    squared_step = settings.step_size**2
    inverse_mass = 1 / (jnp.sqrt(v_hat) + settings.epsilon)
    variance = 2 * squared_step * settings.friction * inverse_mass - settings.gradient_noise * squared_step**2
    # The authors' floor: gradients so large that their own noise exceeds what friction can take away.
    scale = jnp.sqrt(settings.temperature * jnp.maximum(variance, 1e-16))
    return momentum - squared_step * inverse_mass * gradient - settings.friction * momentum + scale * noise


def _standard_normal(key: jax.Array, like: Tree) -> Tree:
    leaves, structure = jax.tree.flatten(like)
    keys = jax.random.split(key, len(leaves))
    draws = [jax.random.normal(key, leaf.shape, leaf.dtype) for key, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, draws)
