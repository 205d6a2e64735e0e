"""The model by itself, and as a model that any inference of NumPyro can take."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import potential_energy
from scipy.stats import norm

from nago_orchestrator.search.surrogate.bayesian_network import (
    LEAST_NOISE,
    Evaluations,
    Parameters,
    bayesian_network,
    forward,
    parameter_sizes,
)

DIMENSIONS = 3
INPUTS = jax.random.normal(jax.random.key(0), (DIMENSIONS, 6))


def parameters(seed: int = 1) -> Parameters:
    sizes = parameter_sizes(DIMENSIONS)
    keys = jax.random.split(jax.random.key(seed), len(sizes))
    return {name: jax.random.normal(key, (size,)) for key, (name, size) in zip(keys, sizes.items(), strict=True)}


def evaluations(known: int = 6) -> Evaluations:
    return Evaluations(
        inputs=INPUTS,
        costs=jnp.linspace(-1.0, 1.0, 6),
        samples=jnp.arange(1.0, 7.0),
        known=jnp.arange(6) < known,
    )


def test_three_layers_of_ten_and_two_outputs() -> None:
    assert parameter_sizes(DIMENSIONS)["weights"] == (3 + 1) * 10 + 2 * (10 + 1) * 10 + (10 + 1) * 2


@pytest.mark.slow
@pytest.mark.parametrize("known", [6, 4, 0])
def test_energy_is_prior_and_likelihood_of_the_known_costs(known: int) -> None:
    energy = potential_energy(bayesian_network, (evaluations(known), True), {}, parameters())
    mean, noise = (np.asarray(part, np.float64)[:known] for part in forward(parameters(), INPUTS, True))
    deviation = np.sqrt(noise / np.arange(1, 7)[:known])
    expected = float(np.sum(norm.logpdf(np.linspace(-1, 1, 6)[:known], mean, deviation)))
    expected += sum(float(np.sum(norm.logpdf(np.asarray(leaf)))) for leaf in parameters().values())
    assert float(energy) == pytest.approx(-expected, rel=1e-4)


@pytest.mark.slow
def test_noise_is_bounded_on_both_sides() -> None:
    for level, bound in ((-100.0, LEAST_NOISE), (100.0, 1.3 + LEAST_NOISE)):
        extreme = {**parameters(), "noise_level": jnp.array([level])}
        np.testing.assert_allclose(forward(extreme, INPUTS, False)[1], bound, rtol=1e-4)


@pytest.mark.slow
def test_only_the_heteroscedastic_variant_has_noise_that_varies() -> None:
    same, varying = (forward(parameters(), INPUTS, variant)[1] for variant in (False, True))
    assert float(same.std()) == pytest.approx(0.0, abs=1e-7)
    assert float(varying.std()) > 1e-4
