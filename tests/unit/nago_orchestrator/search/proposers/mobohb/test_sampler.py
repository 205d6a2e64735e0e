from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Origin, Theta
from nago_orchestrator.domain.space import IntegerRange, SearchSpace
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobohb.observations import Observations
from nago_orchestrator.search.proposers.mobohb.sampler import Sampler
from nago_orchestrator.search.proposers.mobohb.settings import DensityOptions
from nago_trainer.architecture import canonical

ALWAYS_THE_MODEL = DensityOptions(random_share=0.0)


def teach(observations: Observations, theta: Theta) -> None:
    nodes, p = float(theta["top_nodes"]), float(theta["top_p"])
    observations.add(theta, 9, (nodes + 20 * p, -nodes + 20 * p))


def taught(space: SearchSpace, count: int = 40) -> Observations:
    """Two objectives; the front is at the low end of top_p, for any number of nodes. From six nodes on p has effect."""
    observations, rng = Observations(Encoding(space)), np.random.default_rng(0)
    for number in range(count):
        teach(observations, {**space.sample(rng), "top_nodes": 6 + number % 5})
    return observations


def test_it_finds_the_front_in_its_width(small_space: SearchSpace) -> None:
    sampler, observations, known = (
        Sampler(small_space, Encoding(small_space), ALWAYS_THE_MODEL),
        taught(small_space),
        set[GeneratorKey](),
    )
    found = []
    for seed in range(40):
        drawn = sampler.draw(np.random.default_rng(seed), observations, [], known)
        assert drawn.origin is Origin.MODEL
        known.add(generator_key(canonical(drawn.theta)))
        teach(observations, drawn.theta)
        found.append(drawn.theta)
    assert np.median([float(theta["top_p"]) for theta in found]) < 0.25
    assert len({theta["top_nodes"] for theta in found if float(theta["top_p"]) < 0.2}) >= 4


@pytest.mark.parametrize(("count", "why"), [(0, "0 of 6"), (5, "5 of 6")])
def test_it_draws_at_random_until_it_knows_enough(small_space: SearchSpace, count: int, why: str) -> None:
    sampler = Sampler(small_space, Encoding(small_space), ALWAYS_THE_MODEL)
    drawn = sampler.draw(np.random.default_rng(0), taught(small_space, count), [], set())
    assert drawn.origin is Origin.RANDOM
    assert str(drawn.notes["random"]).startswith(why)


def test_the_random_share_is_kept(small_space: SearchSpace) -> None:
    sampler, observations = (
        Sampler(small_space, Encoding(small_space), DensityOptions(random_share=0.5)),
        taught(small_space),
    )
    origins = [sampler.draw(np.random.default_rng(seed), observations, [], set()).origin for seed in range(100)]
    assert 30 < origins.count(Origin.RANDOM) < 70


def test_all_infeasible_still_gives_a_theta(small_space: SearchSpace) -> None:
    observations, rng = Observations(Encoding(small_space)), np.random.default_rng(0)
    for _ in range(20):
        observations.add(small_space.sample(rng), 1, None)
    drawn = Sampler(small_space, Encoding(small_space), ALWAYS_THE_MODEL).draw(rng, observations, [], set())
    assert (drawn.origin, drawn.notes["random"]) == (Origin.RANDOM, "no usable evaluation")


def test_what_is_under_way_is_not_drawn_around_again(small_space: SearchSpace) -> None:
    sampler, observations = Sampler(small_space, Encoding(small_space), ALWAYS_THE_MODEL), taught(small_space)
    first = sampler.draw(np.random.default_rng(3), observations, [], set()).theta
    near = [{**first, "top_p": float(first["top_p"]) + shift} for shift in np.linspace(0, 0.02, 10)]
    drawn = sampler.draw(np.random.default_rng(3), observations, near, set()).theta
    assert drawn != first


def test_a_known_theta_is_drawn_again_only_if_nothing_else_is_left(small_space: SearchSpace) -> None:
    """Whole numbers alone: eight thetas in all."""
    nodes = IntegerRange(name="top_nodes", low=5, high=12)
    space = replace(small_space, dimensions=(nodes,), fixed={**small_space.fixed, "top_p": 0.5})
    sampler, observations, known = (
        Sampler(space, Encoding(space), ALWAYS_THE_MODEL),
        Observations(Encoding(space)),
        set[GeneratorKey](),
    )
    for number in range(8):
        drawn = sampler.draw(np.random.default_rng(number), observations, [], known)
        assert generator_key(canonical(drawn.theta)) not in known
        known.add(generator_key(canonical(drawn.theta)))
        observations.add(drawn.theta, 1, (float(number), -float(number)))
    repeated = sampler.draw(np.random.default_rng(8), observations, [], known)
    assert repeated.notes["repeated"] is True
