from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.search.encoding import Encoding
from nago_trainer.architecture import canonical


def thetas(space: SearchSpace, count: int) -> list[dict[str, float | int]]:
    rng = np.random.default_rng(5)
    return [space.sample(rng) for _ in range(count)]


def test_a_theta_comes_back_from_its_place(paper_space: SearchSpace) -> None:
    encoding = Encoding(paper_space)
    given = thetas(paper_space, 50)
    for theta, back in zip(given, encoding.decode(encoding.locate(given)), strict=True):
        assert back == pytest.approx(theta)


@pytest.mark.slow
def test_every_integer_has_an_equal_share_of_its_side(paper_space: SearchSpace) -> None:
    encoding = Encoding(paper_space)
    line = np.full((8000, 8), 0.5)
    line[:, 0] = np.linspace(0, 1, 8000, endpoint=False)
    values, counts = np.unique([theta["top_nodes"] for theta in encoding.decode(line)], return_counts=True)
    assert values.tolist() == [3, 4, 5, 6, 7, 8, 9, 10]
    assert set(counts) == {1000}


def test_both_ends_of_the_cube_are_legal(paper_space: SearchSpace) -> None:
    low, high = Encoding(paper_space).decode(np.array([[0.0] * 8, [1.0] * 8]))
    assert [low[item.name] for item in paper_space.dimensions] == [item.low for item in paper_space.dimensions]
    assert [high[item.name] for item in paper_space.dimensions] == [item.high for item in paper_space.dimensions]


def test_rounding_keeps_the_theta_and_changes_nothing_twice(paper_space: SearchSpace) -> None:
    encoding = Encoding(paper_space)
    points = np.random.default_rng(0).random((50, 8))
    rounded = encoding.round(points)
    assert encoding.decode(rounded) == encoding.decode(points)
    np.testing.assert_array_equal(encoding.round(rounded), rounded)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"top_k": 2}, {"top_k": 3}),
        ({"top_nodes": 3, "top_p": 0.2}, {"top_nodes": 3, "top_p": 0.7}),
        ({"mid_nodes": 1, "mid_p": 0.1}, {"mid_nodes": 1, "mid_p": 0.9}),
        ({"bottom_nodes": 3, "bottom_k": 2}, {"bottom_nodes": 3, "bottom_k": 5}),
    ],
)
def test_equal_generators_are_one_point_of_the_model_cube(
    paper_space: SearchSpace, first: dict[str, float], second: dict[str, float]
) -> None:
    base = {**thetas(paper_space, 1)[0], "top_nodes": 7, "bottom_nodes": 7}
    one, other = Encoding(paper_space).encode([{**base, **first}, {**base, **second}])
    np.testing.assert_array_equal(one, other)


def test_different_generators_are_different_points_of_the_model_cube(paper_space: SearchSpace) -> None:
    encoding = Encoding(paper_space)
    given = thetas(paper_space, 200)
    forms = {tuple(canonical(theta).values()) for theta in given}
    points = encoding.encode(given)
    assert len(np.unique(points, axis=0)) == len(forms)
    assert points.min() >= 0
    assert points.max() <= 1


def test_to_model_is_encode_of_decode(paper_space: SearchSpace) -> None:
    encoding = Encoding(paper_space)
    points = np.random.default_rng(1).random((20, 8))
    np.testing.assert_array_equal(encoding.to_model(points), encoding.encode(encoding.decode(points)))


def weights_space(paper_space: SearchSpace) -> SearchSpace:
    names = ("merge_weighted_sum", "merge_attention_sum", "merge_concat")
    fixed = {name: value for name, value in paper_space.fixed.items() if name not in names}
    fixed |= {
        item.name: int(item.low) if item.name.endswith(("nodes", "k")) else 0.5 for item in paper_space.dimensions
    }
    return replace(
        paper_space, dimensions=tuple(FloatRange(name=name, low=0.0, high=1.0) for name in names), fixed=fixed
    )


def test_proportional_weights_are_one_point_and_use_the_whole_side(paper_space: SearchSpace) -> None:
    encoding = Encoding(weights_space(paper_space))
    half, full, alone = encoding.to_model(np.array([[0.1, 0.2, 0.1], [0.4, 0.8, 0.4], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(half, full)
    np.testing.assert_allclose(alone, [1.0, 0.0, 0.0])


def test_a_corner_where_all_weights_are_zero_is_moved_inside(paper_space: SearchSpace) -> None:
    (theta,) = Encoding(weights_space(paper_space)).decode(np.zeros((1, 3)))
    assert canonical(theta)["merge_concat"] == pytest.approx(1 / 3)


def test_a_small_space_of_integers_is_listed_and_no_other(paper_space: SearchSpace, small_space: SearchSpace) -> None:
    integers = tuple(item for item in small_space.dimensions if isinstance(item, IntegerRange))
    floats = {item.name: item.low for item in small_space.dimensions if item not in integers}
    encoding = Encoding(replace(small_space, dimensions=integers, fixed={**small_space.fixed, **floats}))
    every = encoding.every()
    assert every is not None
    np.testing.assert_array_equal(encoding.round(every), every)
    thetas = {tuple(theta.values()) for theta in encoding.decode(every)}
    assert len(thetas) == len(every) == np.prod([item.high - item.low + 1 for item in integers])
    assert Encoding(small_space).every() is None
    assert Encoding(paper_space).every() is None
