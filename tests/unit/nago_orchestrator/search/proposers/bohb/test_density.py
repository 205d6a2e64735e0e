from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.proposers.bohb.density import QuickGenerator
from nago_orchestrator.search.proposers.bohb.hpbandster_classes import BOHB, Job
from nago_orchestrator.search.proposers.bohb.sampler import configuration_space, global_generator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def train(generator: BOHB, space: SearchSpace, *, results: int, corners: bool) -> None:
    rng = np.random.default_rng(results)
    for number in range(results):
        theta = space.sample(rng)
        if corners and number % 2:
            theta |= {item.name: item.low if number % 4 == 1 else item.high for item in space.dimensions[::2]}
        job = Job((0, 0, number), config=space.searched(theta), budget=30)
        job.result = {"loss": sum(theta.values()) if number % 7 else np.inf}
        generator.new_result(job, update_model=number == results - 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("results", "num_samples", "corners"), [(0, 64, False), (18, 64, False), (60, 1, True), (300, 64, True)]
)
def test_draws_and_random_state_equal_the_parents(
    paper_space: SearchSpace, results: int, num_samples: int, corners: bool
) -> None:
    found: list[list[Any]] = []
    for kind in (BOHB, QuickGenerator):
        generator = kind(configuration_space(paper_space.dimensions), num_samples=num_samples)
        train(generator, paper_space, results=results, corners=corners)
        draws = []
        for seed in range(5):
            generator.configspace.seed(seed)
            with global_generator(np.array([seed], dtype=np.uint32)):
                draws.append((*generator.get_config(30), np.random.random_sample()))  # noqa: NPY002  # what is left over
        found.append(draws)
    assert found[0] == found[1]
    assert any(draw[1]["model_based_pick"] for draw in found[1]) == (results > 0)
