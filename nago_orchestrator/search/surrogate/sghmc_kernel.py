"""SGHMC for any NumPyro model: `MCMC(SGHMC(model), num_warmup=..., num_samples=..., thinning=...)`.

A thin wrapper around `sghmc`, with NumPyro's own conventions: the model's latent sites are sampled in unconstrained
space; `num_warmup` steps adapt, all later ones are frozen; `num_chains` with chain_method="vectorized" runs them in
one compiled loop. A minibatch is what the model itself declares: `numpyro.plate("data", size, subsample_size=batch)`
draws a new one at every step, and NumPyro scales its likelihood to all data.

The surrogate's fits do not go through it: they run the chains of all objectives as one array (`sampling`), with a
descent before, which NumPyro's loop has no place for. It is what to sample any other model with, and what the tests
compare with NumPyro's own kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from numpyro import handlers
from numpyro.distributions.transforms import biject_to
from numpyro.infer import init_to_uniform
from numpyro.infer.mcmc import MCMCKernel
from numpyro.infer.util import constrain_fn, find_valid_initial_params, potential_energy
from numpyro.util import is_prng_key, not_jax_tracer

from nago_orchestrator.search.surrogate import sghmc
from nago_orchestrator.search.surrogate.sghmc import SghmcSettings, SghmcState, Tree

Model = Callable[..., Any]
Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


class SghmcKernelState(NamedTuple):
    """`extra_fields` of `MCMC.run` names what of it to collect besides the samples."""

    chain: SghmcState
    potential_energy: jax.Array
    """Of the position before the last step; of its minibatch, scaled to all data, where the model has one."""
    rng_key: jax.Array


class SGHMC(MCMCKernel):  # type: ignore[misc]  # numpyro is untyped
    """It has no acceptance step: watch R-hat and effective sample size, and see `sghmc` for the discretisation's error.

    `settings.gradient_noise` should be 0 for a model without minibatches. `init_strategy` is NumPyro's.
    """

    sample_field = "chain.position"

    def __init__(
        self,
        model: Model,
        settings: SghmcSettings | None = None,
        init_strategy: Callable[..., Any] = init_to_uniform,
    ) -> None:
        self._model = model
        self._settings = settings or SghmcSettings()
        self._init_strategy = init_strategy

    @property
    def model(self) -> Model:
        return self._model

    def init(
        self,
        rng_key: jax.Array,
        num_warmup: int,
        init_params: Tree | None,
        model_args: Arguments,
        model_kwargs: Keywords,
    ) -> SghmcKernelState:
        """State of one chain, or of as many as `rng_key` has keys.

        Raises ValueError for a model with discrete latent sites, which have no gradient, and where 100 draws of
        `init_strategy` find no position of finite density.
        """
        one = is_prng_key(rng_key)
        own_key, position_key, structure_key = _three_keys(rng_key) if one else jax.vmap(_three_keys)(rng_key)
        position = init_params
        if position is None:
            shape = self._shape(structure_key if one else structure_key[0], model_args, model_kwargs)
            position = self._find_position(position_key, shape, model_args, model_kwargs)
        create = partial(_initial_state, num_warmup)
        return create(position, own_key) if one else jax.vmap(create)(position, own_key)

    def sample(self, state: SghmcKernelState, model_args: Arguments, model_kwargs: Keywords) -> SghmcKernelState:
        advance = partial(self._advance, model_args, model_kwargs)
        return jax.vmap(advance)(state) if state.chain.step.ndim else advance(state)

    def postprocess_fn(self, model_args: Arguments, model_kwargs: Keywords) -> Callable[[Tree], Tree]:
        # One fixed minibatch, where the model has them: only deterministic sites inside its plate can see it.
        model = handlers.substitute(self._model, substitute_fn=_MinibatchDraw(jax.random.key(0)))
        return partial(constrain_fn, model, model_args, model_kwargs, return_deterministic=True)

    def _advance(self, model_args: Arguments, model_kwargs: Keywords, state: SghmcKernelState) -> SghmcKernelState:
        own_key, batch_key, noise_key = _three_keys(state.rng_key)
        model = handlers.substitute(self._model, substitute_fn=_MinibatchDraw(batch_key))
        energy = partial(potential_energy, model, model_args, model_kwargs)
        value, gradient = jax.value_and_grad(energy)(state.chain.position)
        return SghmcKernelState(sghmc.step(state.chain, gradient, noise_key, self._settings), value, own_key)

    def _shape(self, key: jax.Array, model_args: Arguments, model_kwargs: Keywords) -> _Shape:
        site_key, batch_key = jax.random.split(key)
        drawn = handlers.substitute(self._model, substitute_fn=_MinibatchDraw(batch_key))
        seeded = handlers.substitute(handlers.seed(drawn, site_key), substitute_fn=self._init_strategy)
        sites = handlers.trace(seeded).get_trace(*model_args, **model_kwargs)
        latent = {name: site for name, site in sites.items() if site["type"] == "sample" and not site["is_observed"]}
        for name, site in latent.items():
            if site["fn"].support.is_discrete:
                raise ValueError(f"SGHMC follows gradients, and the latent site {name!r} is discrete.")
        return _Shape(
            position={name: biject_to(site["fn"].support).inv(site["value"]) for name, site in latent.items()},
            minibatches={name: site["value"] for name, site in sites.items() if site["type"] == "plate"},
        )

    def _find_position(self, keys: jax.Array, shape: _Shape, model_args: Arguments, model_kwargs: Keywords) -> Tree:
        """Not by numpyro's `initialize_model`, which uses a key twice."""
        (position, _, _), found = find_valid_initial_params(
            keys,
            handlers.substitute(self._model, data=shape.minibatches),
            init_strategy=self._init_strategy,
            model_args=model_args,
            model_kwargs=model_kwargs,
            prototype_params=shape.position,
        )
        if not_jax_tracer(found) and not bool(jnp.all(found)):
            raise ValueError("SGHMC found no initial position where the model's density and gradient are finite.")
        return position


class _MinibatchDraw:
    """As `substitute_fn`: draws the indices of every plate that has a `subsample_size`, without replacement.

    Instead of numpyro's own draw, whose loop over the batch is slow on processors and opaque to JAX's key checks.
    """

    def __init__(self, key: jax.Array) -> None:
        self._key = key

    def __call__(self, site: Mapping[str, Any]) -> jax.Array | None:
        if site["type"] != "plate":
            return None
        size, batch = site["args"]
        if size == batch:
            return None
        self._key, own_key = jax.random.split(self._key)
        return jax.random.permutation(own_key, size)[:batch]


class _Shape(NamedTuple):
    """Of a model, from one run of it."""

    position: Tree
    minibatches: dict[str, Any]
    """Indices by plate."""


def _initial_state(burn_in: int, position: Tree, key: jax.Array) -> SghmcKernelState:
    floats = jax.tree.leaves(position)[0].dtype
    return SghmcKernelState(sghmc.init(position, burn_in), jnp.full((), jnp.nan, floats), key)


def _three_keys(key: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    first, second, third = jax.random.split(key, 3)
    return first, second, third
