from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.errors import SpecError
from nago_trainer.architecture.theta import HYPERPARAMETERS, HnagTheta


def test_samples_are_complete_legal_thetas_in_the_generators_order(paper_space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        theta = paper_space.sample(rng)
        assert list(theta) == [hyperparameter.name for hyperparameter in HYPERPARAMETERS]
        HnagTheta.from_mapping(theta)
        assert paper_space.theta(theta) == theta


def test_samples_reach_both_ends_of_an_integer_range(paper_space: SearchSpace) -> None:
    rng = np.random.default_rng(1)
    assert {paper_space.sample(rng)["top_k"] for _ in range(200)} == {2, 3, 4, 5}


def test_values_become_pythons_own_types_inside_the_range(paper_space: SearchSpace) -> None:
    theta = paper_space.sample(np.random.default_rng(2))
    theta |= {"top_nodes": np.int64(11), "top_p": np.float64(0.95)}  # type: ignore[dict-item]  # as libraries give them
    cast = paper_space.theta(theta)
    assert (cast["top_nodes"], cast["top_p"]) == (10, 0.9)
    assert {type(value) for value in cast.values()} == {int, float}


def test_fixed_values_take_their_hyperparameters_type(paper_space: SearchSpace) -> None:
    space = replace(paper_space, fixed={**paper_space.fixed, "channel_ratio_1": 1})
    assert type(space.sample(np.random.default_rng(3))["channel_ratio_1"]) is float


def test_a_sample_depends_on_its_generator_alone(paper_space: SearchSpace) -> None:
    first, second = (paper_space.sample(np.random.default_rng(4)) for _ in range(2))
    assert first == second


def test_an_unknown_generator_is_named(paper_space: SearchSpace) -> None:
    with pytest.raises(SpecError, match="no generator enag: choose one of hnag, rnag"):
        replace(paper_space, generator="enag")


def test_a_space_names_the_hyperparameters_of_its_own_generator(paper_space: SearchSpace) -> None:
    with pytest.raises(SpecError, match="bottom_k is not a hyperparameter of the generator"):
        replace(paper_space, generator="rnag")


@pytest.mark.parametrize(("low", "high"), [(5, 5), (6, 5)])
def test_an_empty_range_is_refused(low: int, high: int) -> None:
    with pytest.raises(SpecError, match="range of top_nodes is empty"):
        IntegerRange(name="top_nodes", low=low, high=high)
    with pytest.raises(SpecError, match="range of top_p is empty"):
        FloatRange(name="top_p", low=low / 10, high=high / 10)


@pytest.mark.parametrize(
    ("fixed", "complaint"),
    [
        ({"top_nodes": 5}, "top_nodes has both a range and a fixed value"),
        ({"width": 5}, "width is not a hyperparameter"),
        ({"merge_concat": -1.0}, "merge_concat must be a number from"),
    ],
)
def test_a_wrong_fixed_value_is_named(paper_space: SearchSpace, fixed: dict[str, float], complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        replace(paper_space, fixed={**paper_space.fixed, **fixed})


def test_a_missing_hyperparameter_is_named(paper_space: SearchSpace) -> None:
    with pytest.raises(SpecError, match="top_nodes has neither a range nor a fixed value"):
        replace(paper_space, dimensions=paper_space.dimensions[1:])


@pytest.mark.parametrize(
    ("dimension", "complaint"),
    [
        (IntegerRange(name="top_nodes", low=0, high=5), "top_nodes must be an integer from"),
        (FloatRange(name="top_nodes", low=3, high=5), "top_nodes has a range of the wrong kind"),
    ],
)
def test_a_wrong_range_is_named(paper_space: SearchSpace, dimension: IntegerRange | FloatRange, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        replace(paper_space, dimensions=(dimension, *paper_space.dimensions[1:]))
