"""One chain of scale-adapted SGHMC against hand-made steps and against the theory of linear systems."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov

from nago_orchestrator.search.surrogate import sghmc
from nago_orchestrator.search.surrogate.sghmc import SghmcSettings, SghmcState

KEY = jax.random.key(0)


def frozen(position: float, momentum: float, v_hat: float) -> SghmcState:
    at_rest = sghmc.init({"x": jnp.array([position])}, burn_in=0)
    return at_rest._replace(momentum={"x": jnp.array([momentum])}, v_hat={"x": jnp.array([v_hat])})


@pytest.mark.slow
def test_step_at_temperature_0_is_exactly_the_one_made_by_hand() -> None:
    settings = SghmcSettings(step_size=0.5, friction=0.25, temperature=0.0, epsilon=0.0)
    after = sghmc.step(frozen(position=8.0, momentum=1.0, v_hat=4.0), {"x": jnp.array([2.0])}, KEY, settings)
    # ε² M⁻¹ G = 0.25 · 0.5 · 2 = 0.25, friction takes 0.25 of the momentum; every number is a sum of powers of two.
    assert after.momentum["x"].tolist() == [0.5]
    assert after.position["x"].tolist() == [8.5]
    assert int(after.step) == 1


def test_burn_in_adapts_by_old_values_then_freezes() -> None:
    settings = SghmcSettings(temperature=0.0, epsilon=0.0)
    first = sghmc.step(sghmc.init({"x": jnp.array([0.0])}, burn_in=2), {"x": jnp.array([3.0])}, KEY, settings)
    # From tau = g = v̂ = 1, so r = 1/2.
    assert (first.tau["x"].item(), first.g["x"].item(), first.v_hat["x"].item()) == (1.0, 2.0, 5.0)
    second = sghmc.step(first, {"x": jnp.array([1.0])}, KEY, settings)
    np.testing.assert_allclose(second.tau["x"], 1 + 1 - 4 / 5, rtol=1e-6)
    np.testing.assert_allclose([second.g["x"][0], second.v_hat["x"][0]], [1.5, 3.0], rtol=1e-6)
    third = sghmc.step(second, {"x": jnp.array([100.0])}, KEY, settings)
    for before, after in ((second.tau, third.tau), (second.g, third.g), (second.v_hat, third.v_hat)):
        assert before["x"].tolist() == after["x"].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("gradient_noise", [0.0, 1.0])
def test_noise_has_the_stated_variance(gradient_noise: float) -> None:
    settings = SghmcSettings(step_size=0.1, friction=0.05, gradient_noise=gradient_noise)
    state = sghmc.init(jnp.zeros(200_000), burn_in=0)
    momentum = sghmc.step(state, jnp.zeros(200_000), KEY, settings).momentum
    expected = 2 * 0.1**2 * 0.05 - gradient_noise * 0.1**4
    assert float(jnp.var(momentum)) == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
def test_noise_keeps_the_floor_where_the_gradients_own_noise_is_too_large() -> None:
    settings = SghmcSettings(step_size=1.0, friction=0.01, gradient_noise=1.0)
    momentum = sghmc.step(sghmc.init(jnp.zeros(10), burn_in=0), jnp.zeros(10), KEY, settings).momentum
    assert bool(jnp.all(jnp.isfinite(momentum)))
    assert float(jnp.std(momentum)) < 1e-7


def test_stationary_variance_has_the_stated_closed_form() -> None:
    for precision, step_size, friction in ((4.0, 0.3, 0.05), (1.0, 0.1, 0.2), (9.0, 0.25, 0.5)):
        exact = stationary_covariance(np.array([[precision]]), np.array([2.0]), SghmcSettings(step_size, friction))
        inverse_mass = 1 / np.sqrt(2.0)
        noise = 1 - step_size**2 / (2 * friction * inverse_mass)
        stated = noise / precision / (1 - step_size**2 * inverse_mass * precision / (4 - 2 * friction))
        assert exact.item() == pytest.approx(stated, rel=1e-9)


@pytest.mark.slow
def test_samples_of_a_gaussian_have_its_mean_and_covariance() -> None:
    """Adapted in burn-in, as for any target: the discretisation's error follows from the frozen v̂, and is small."""
    covariance = np.array([[1.0, 0.6], [0.6, 2.0]])
    mean = np.array([3.0, -1.0])
    settings = SghmcSettings(step_size=0.1, friction=0.1, gradient_noise=0.0)
    draws, v_hat = sample_gaussian(mean, covariance, settings, chains=200, burn_in=1000, steps=2000)
    stated = stationary_covariance(np.linalg.inv(covariance), v_hat.mean(0), settings)
    np.testing.assert_allclose(stated, covariance, atol=0.02)
    np.testing.assert_allclose(draws.mean((0, 1)), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.reshape(-1, 2).T), covariance, atol=0.08)


@pytest.mark.slow
def test_every_key_is_used_once() -> None:
    with jax.debug_key_reuse(True):
        position = {"a": jnp.zeros(2), "b": jnp.zeros(3)}
        step = jax.jit(partial(sghmc.step, settings=SghmcSettings()))
        after = step(sghmc.init(position, burn_in=1), position, jax.random.key(1))
    assert len(set(after.momentum["a"].tolist() + after.momentum["b"].tolist())) == 5


def sample_gaussian(
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    settings: SghmcSettings,
    *,
    chains: int,
    burn_in: int,
    steps: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions after burn-in, shape (steps, chains, dimensions), and the frozen v̂ of each chain."""
    precision = jnp.asarray(np.linalg.inv(covariance))

    def advance(state: SghmcState, key: jax.Array) -> tuple[SghmcState, jax.Array]:
        gradient = (state.position - mean) @ precision
        after = jax.vmap(sghmc.step, in_axes=(0, 0, 0, None))(state, gradient, jax.random.split(key, chains), settings)
        return after, after.position

    @jax.jit
    def run(key: jax.Array) -> tuple[SghmcState, jax.Array]:
        start = jax.vmap(partial(sghmc.init, burn_in=burn_in))(jnp.zeros((chains, len(mean))))
        return jax.lax.scan(advance, start, jax.random.split(key, burn_in + steps))

    state, positions = run(KEY)
    return np.asarray(positions, np.float64)[burn_in:], np.asarray(state.v_hat, np.float64)


def stationary_covariance(
    precision: NDArray[np.float64], v_hat: NDArray[np.float64], settings: SghmcSettings
) -> NDArray[np.float64]:
    """Of the position: (position, momentum) is a linear system driven by noise; Σ = A Σ Aᵀ + Q."""
    size = len(precision)
    inverse_mass = np.diag(1 / np.sqrt(v_hat))
    pull = settings.step_size**2 * inverse_mass @ precision
    keep = (1 - settings.friction) * np.eye(size)
    system = np.block([[np.eye(size) - pull, keep], [-pull, keep]])
    variance = 2 * settings.step_size**2 * settings.friction * inverse_mass
    variance = variance - settings.gradient_noise * settings.step_size**4 * np.eye(size)
    covariance: NDArray[np.float64] = solve_discrete_lyapunov(system, np.tile(variance, (2, 2)))
    return covariance[:size, :size]
