"""The kernel under NumPyro's own MCMC, for models that have nothing to do with the surrogate."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro import distributions as dist
from numpyro.infer import MCMC, NUTS

from nago_orchestrator.search.surrogate.sghmc import SghmcSettings
from nago_orchestrator.search.surrogate.sghmc_kernel import SGHMC

pytestmark = pytest.mark.slow  # each test has jax compile a model

ALL_DATA = SghmcSettings(step_size=0.1, friction=0.1, gradient_noise=0.0)


def mean_of_normal(values: jax.Array, batch: int | None = None) -> None:
    mean = numpyro.sample("mean", dist.Normal(0.0, 10.0))
    numpyro.deterministic("square", mean**2)
    with numpyro.plate("values", len(values), subsample_size=batch):
        numpyro.sample("value", dist.Normal(mean, 1.0), obs=numpyro.subsample(values, event_dim=0))


def run(model: Any, *args: Any, settings: SghmcSettings = ALL_DATA, **counts: int) -> MCMC:
    chosen = {"num_warmup": 500, "num_samples": 2000, "num_chains": 4, "thinning": 2, **counts}
    mcmc = MCMC(SGHMC(model, settings), chain_method="vectorized", progress_bar=False, **chosen)
    mcmc.run(jax.random.key(0), *args, extra_fields=("potential_energy", "chain.v_hat"))
    return mcmc


@pytest.fixture(scope="module")
def values() -> jax.Array:
    return 2.0 + jax.random.normal(jax.random.key(1), (50,))


@pytest.mark.parametrize("chains", [1, 4])
def test_posterior_of_a_normal_mean(values: jax.Array, chains: int) -> None:
    with jax.debug_key_reuse(True):
        mcmc = run(mean_of_normal, values, num_chains=chains, num_samples=32_000 // chains)
    samples = mcmc.get_samples(group_by_chain=True)
    assert samples["mean"].shape == (chains, 16_000 // chains)
    assert float(samples["mean"].mean()) == pytest.approx(float(values.mean()), abs=0.03)
    assert float(samples["mean"].std()) == pytest.approx(1 / np.sqrt(50), rel=0.1)
    np.testing.assert_allclose(samples["square"], samples["mean"] ** 2, rtol=1e-5)


def test_minibatches_come_from_the_models_plate(values: jax.Array) -> None:
    with jax.debug_key_reuse(True):
        mcmc = run(partial(mean_of_normal, batch=10), values, settings=SghmcSettings(step_size=0.05))
    assert float(mcmc.get_samples()["mean"].mean()) == pytest.approx(float(values.mean()), abs=0.05)
    energies = np.asarray(mcmc.get_extra_fields()["potential_energy"])
    full = run(mean_of_normal, values)
    # Other values in every batch, scaled to all of them.
    assert energies.std() > 3 * np.asarray(full.get_extra_fields()["potential_energy"]).std()
    assert energies.mean() == pytest.approx(np.asarray(full.get_extra_fields()["potential_energy"]).mean(), rel=0.1)


def test_burn_in_adapts_and_then_freezes(values: jax.Array) -> None:
    v_hat = np.asarray(run(mean_of_normal, values).get_extra_fields(group_by_chain=True)["chain.v_hat"]["mean"])
    assert (v_hat == v_hat[:, :1]).all()
    assert (v_hat != 1.0).all()
    assert len(np.unique(v_hat[:, 0])) == 4


def test_constrained_sites_come_back_in_their_support() -> None:
    def model() -> None:
        numpyro.sample("share", dist.Beta(2.0, 5.0))
        numpyro.sample("scale", dist.LogNormal(0.0, 0.5))

    samples = run(model, num_samples=8000, settings=SghmcSettings(step_size=0.2, gradient_noise=0.0)).get_samples()
    assert float(samples["share"].min()) > 0
    assert float(samples["share"].max()) < 1
    assert float(samples["share"].mean()) == pytest.approx(2 / 7, abs=0.03)
    assert float(samples["scale"].mean()) == pytest.approx(np.exp(0.125), rel=0.07)


def test_goes_on_from_a_warm_state_without_adapting(values: jax.Array) -> None:
    mcmc = MCMC(SGHMC(mean_of_normal, ALL_DATA), num_warmup=300, num_samples=10, progress_bar=False)
    mcmc.warmup(jax.random.key(0), values)
    warm = mcmc.post_warmup_state.chain
    mcmc.run(jax.random.key(1), values)
    assert int(warm.step) == 300
    assert int(mcmc.last_state.chain.step) == 310
    assert mcmc.last_state.chain.v_hat["mean"] == warm.v_hat["mean"]


def test_discrete_sites_are_refused() -> None:
    def model() -> None:
        numpyro.sample("coin", dist.Bernoulli(0.5))

    with pytest.raises(ValueError, match="'coin' is discrete"):
        run(model)


def test_a_model_without_finite_density_is_refused() -> None:
    def model() -> None:
        numpyro.factor("impossible", numpyro.sample("x", dist.Normal(0.0, 1.0)) * jnp.nan)

    with pytest.raises(ValueError, match="no initial position"):
        run(model, num_chains=1)


def test_small_bayesian_network_agrees_with_nuts() -> None:
    inputs = jnp.linspace(-2, 2, 30)
    targets = jnp.sin(2 * inputs) + 0.2 * jax.random.normal(jax.random.key(3), (30,))

    def mean(weights: jax.Array) -> jax.Array:
        return jnp.tanh(inputs[:, None] * weights[:5] + weights[5:10]) @ weights[10:15]

    def model() -> None:
        weights = numpyro.sample("weights", dist.Normal(0.0, 1.5).expand([15]).to_event(1))
        numpyro.sample("y", dist.Normal(mean(weights), 0.2), obs=targets)

    with jax.debug_key_reuse(True):
        mine = run(
            model,
            settings=SghmcSettings(step_size=0.05, gradient_noise=0.0),
            num_warmup=3000,
            num_samples=20_000,
            num_chains=8,
            thinning=20,
        )
    nuts = MCMC(
        NUTS(model), num_warmup=1000, num_samples=2000, num_chains=4, chain_method="vectorized", progress_bar=False
    )
    nuts.run(jax.random.key(5))
    functions = [np.asarray(jax.vmap(mean)(mcmc.get_samples()["weights"])) for mcmc in (mine, nuts)]
    means, deviations = zip(*((draws.mean(0), draws.std(0)) for draws in functions), strict=True)
    assert np.max(np.abs(means[0] - means[1])) < 0.05
    np.testing.assert_allclose(deviations[0], deviations[1], rtol=0.25)
