"""The one answer to whether two thetas are the same generator."""

from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.domain.generator_key import generator_key, key_of_values
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.search.encoding import Encoding
from nago_trainer.architecture import canonical


@pytest.mark.parametrize("change", [{"top_k": 2}, {"mid_nodes": 1, "mid_p": 0.3}])
def test_thetas_of_one_canonical_form_are_one_generator(paper_space: SearchSpace, change: dict[str, float]) -> None:
    theta = {**paper_space.sample(np.random.default_rng(0)), **change}
    alias = {**theta, "top_k": 3} if "top_k" in change else {**theta, "mid_p": 0.7}
    assert theta != alias
    assert generator_key(canonical(theta)) == generator_key(canonical(alias))
    assert generator_key(canonical(theta)) != generator_key(canonical({**theta, "bottom_nodes": 9}))


def test_rounding_and_order_do_not_make_another_generator() -> None:
    assert generator_key({"a": 0.1 + 0.2, "b": -0.0}) == generator_key({"b": 0.0, "a": 0.3})


def test_points_of_the_model_cube_have_equal_keys_where_thetas_have(paper_space: SearchSpace) -> None:
    thetas = [paper_space.sample(np.random.default_rng(seed)) for seed in range(40)]
    thetas += [canonical(theta) for theta in thetas]
    keys = [generator_key(canonical(theta)) for theta in thetas]
    points = [key_of_values(row) for row in Encoding(paper_space).encode(thetas).tolist()]
    assert [keys.index(key) for key in keys] == [points.index(point) for point in points]
