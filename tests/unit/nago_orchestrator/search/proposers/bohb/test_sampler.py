from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from typing import Any

import ConfigSpace
import numpy as np
import pytest

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Origin
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.bohb.sampler import DensityModel, global_generator
from nago_orchestrator.search.proposers.bohb.settings import ModelOptions


@pytest.fixture
def untouched_generator() -> Iterator[None]:
    np.random.seed(99)  # noqa: NPY002  # the global generator is what this is about
    expected = np.random.random_sample(3)  # noqa: NPY002  # as above
    np.random.seed(99)  # noqa: NPY002  # as above
    yield
    assert np.random.random_sample(3).tolist() == expected.tolist()  # noqa: NPY002  # as above


def trained(space: SearchSpace, results: int = 12, **options: Any) -> DensityModel:
    model = DensityModel(space.dimensions, ModelOptions(num_samples=4, **options))
    rng = np.random.default_rng(0)
    for _ in range(results):
        theta = space.sample(rng)
        model.learn(space.searched(theta), 30, float(sum(theta.values())))
    return model


class Unreadable:
    """In the place of the density of bad points."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @property
    def pdf(self) -> None:
        raise self.error


def broken(space: SearchSpace, error: BaseException) -> DensityModel:
    """One whose candidates are NaN, which HpBandSter is to handle, and which raises when HpBandSter looks at it."""
    model = trained(space, random_fraction=0.0)
    densities = model._generator.kde_models[30]
    densities["good"].bw = np.full(2, np.nan)
    densities["bad"] = Unreadable(error)
    model._generator._noted = []
    return model


@pytest.mark.usefixtures("untouched_generator")
def test_the_global_generator_is_left_as_it_was(small_space: SearchSpace) -> None:
    model = trained(small_space)
    assert {model.draw(seeds.proposal(1, number), 30)[1] for number in range(20)} == {Origin.MODEL, Origin.RANDOM}


@pytest.mark.usefixtures("untouched_generator")
def test_the_global_generator_is_left_as_it_was_by_an_exception() -> None:
    with pytest.raises(ValueError, match="inside"), global_generator(np.array([1], dtype=np.uint32)):
        raise ValueError("inside")


def test_a_draw_depends_on_its_seed_and_what_was_learnt_alone(small_space: SearchSpace) -> None:
    first, second = trained(small_space), trained(small_space)
    for number in range(10):
        first.draw(seeds.proposal(2, number), 30)
    assert first.draw(seeds.proposal(1, 0), 30) == second.draw(seeds.proposal(1, 0), 30)


@pytest.mark.usefixtures("untouched_generator")
def test_an_error_that_hpbandster_swallows_is_logged_and_not_called_the_models_choice(
    small_space: SearchSpace, caplog: pytest.LogCaptureFixture
) -> None:
    model = broken(small_space, ZeroDivisionError("density"))
    with caplog.at_level(logging.WARNING):
        assert model.draw(seeds.proposal(1, 0), 30)[1] is Origin.RANDOM
    assert "ZeroDivisionError: density" in caplog.text


@pytest.mark.usefixtures("untouched_generator")
def test_ctrl_c_is_not_swallowed(small_space: SearchSpace) -> None:
    model = broken(small_space, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        model.draw(seeds.proposal(1, 0), 30)


def test_a_lower_fidelity_is_dropped_once_a_higher_one_has_a_model(small_space: SearchSpace) -> None:
    model = DensityModel(small_space.dimensions, ModelOptions())
    rng = np.random.default_rng(0)
    for fidelity in [30] * 3 + [60] * 6 + [30] * 5 + [120] * 2:
        model.learn(small_space.searched(small_space.sample(rng)), fidelity, rng.normal())
    assert model.points() == {30: 3, 60: 6, 120: 2}
    assert model.fidelity == 60


def test_infinite_losses_count_as_bad(small_space: SearchSpace) -> None:
    model = DensityModel(small_space.dimensions, ModelOptions(random_fraction=0.0))
    for top_p in (0.2, 0.21, 0.22, 0.8, 0.81, 0.82):
        model.learn({"top_nodes": 5, "top_p": top_p}, 30, math.inf if top_p > 0.5 else 1.0)
    drawn = [model.draw(seeds.proposal(1, number), 30)[0]["top_p"] for number in range(20)]
    assert max(drawn) < 0.5


def test_what_is_noted_becomes_the_vectors_of_configspace(paper_space: SearchSpace) -> None:
    generator = DensityModel(paper_space.dimensions, ModelOptions())._generator
    rng = np.random.default_rng(5)
    configurations = [paper_space.searched(paper_space.sample(rng)) for _ in range(500)]
    for end in ("low", "high"):
        configurations.append({item.name: getattr(item, end) for item in paper_space.dimensions})
    expected = [ConfigSpace.Configuration(generator.configspace, values=found).get_array() for found in configurations]
    assert np.array_equal(generator._vectors(configurations), np.array(expected))
