"""Names, legal values and the canonical form of theta."""

from __future__ import annotations

import math

import pytest

from nago_trainer.architecture import HYPERPARAMETERS, HnagTheta, ThetaError, canonical
from nago_trainer.architecture.theta import Number, ring_degree

Mapping = dict[str, Number]


def test_the_paper_searches_eight_of_the_22_hyperparameters() -> None:
    searched = {item.name: item.default for item in HYPERPARAMETERS if item.is_searched}

    assert len(HYPERPARAMETERS) == 22
    assert searched == {
        "top_nodes": (3, 10), "top_k": (2, 5), "top_p": (0.1, 0.9),
        "mid_nodes": (1, 10), "mid_p": (0.1, 0.9),
        "bottom_nodes": (3, 10), "bottom_k": (2, 5), "bottom_p": (0.1, 0.9),
    }  # fmt: skip


def test_every_default_is_legal() -> None:
    for item in HYPERPARAMETERS:
        for value in item.default if isinstance(item.default, tuple) else (item.default,):
            assert item.check(value) == value


def test_fields_come_from_their_names(mapping: Mapping) -> None:
    theta = HnagTheta.from_mapping({**mapping, "channel_ratio_3": 3, "operation_pool5x5": 0.5})

    assert (theta.top_nodes, theta.top_k, theta.top_p) == (5, 4, 0.5)
    assert (theta.mid_nodes, theta.mid_p) == (3, 0.5)
    assert (theta.bottom_nodes, theta.bottom_k, theta.bottom_p) == (4, 3, 0.5)
    assert theta.stage_ratio == (1 / 3, 1 / 3, 1 / 3)
    assert theta.channel_ratio == (1.0, 2.0, 3.0)
    assert theta.operations == (0.0, 1.0, 0.0, 0.0, 0.5)
    assert theta.merges == (1.0, 0.0, 0.0)


def test_whole_numbers_may_be_written_as_floats(mapping: Mapping) -> None:
    nodes = HnagTheta.from_mapping({**mapping, "top_nodes": 7.0}).top_nodes

    assert (nodes, type(nodes)) == (7, int)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_nodes", 0),
        ("top_nodes", 65),
        ("mid_nodes", 2.5),
        ("bottom_nodes", True),
        ("top_nodes", math.inf),
        ("top_k", -1),
        ("top_p", 1.01),
        ("mid_p", math.nan),
        ("mid_p", "0.5"),
        ("stage_ratio_2", -0.1),
        ("channel_ratio_1", 0.0),
        ("merge_concat", None),
    ],
)
def test_an_illegal_value_is_refused_by_name(mapping: Mapping, name: str, value: Number) -> None:
    with pytest.raises(ThetaError, match=name):
        HnagTheta.from_mapping({**mapping, name: value})


def test_unknown_and_missing_names_are_refused(mapping: Mapping) -> None:
    with pytest.raises(ThetaError, match="unknown hyperparameter: top_size"):
        HnagTheta.from_mapping({**mapping, "top_size": 3})
    del mapping["mid_p"]
    with pytest.raises(ThetaError, match="no value for the hyperparameter mid_p"):
        canonical(mapping)


@pytest.mark.parametrize("prefix", ["stage_ratio", "operation", "merge"])
def test_one_weight_of_a_group_must_be_positive(mapping: Mapping, prefix: str) -> None:
    zeros: Mapping = {name: 0.0 for name in mapping if name.startswith(prefix)}

    with pytest.raises(ThetaError, match=f"every {prefix}"):
        HnagTheta.from_mapping({**mapping, **zeros})


@pytest.mark.parametrize(
    ("nodes", "k", "degree"),
    [(10, 5, 4), (10, 4, 4), (10, 3, 2), (10, 1, 0), (5, 9, 4), (4, 5, 2), (3, 5, 2), (2, 0, 1), (2, 5, 1), (1, 4, 0)],
)
def test_ring_degree_is_even_and_below_the_number_of_nodes(nodes: int, k: int, degree: int) -> None:
    assert ring_degree(nodes, k) == degree


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"top_nodes": 10, "top_k": 5}, {"top_k": 4, "top_p": 0.5}),
        ({"top_nodes": 3, "top_k": 4}, {"top_k": 2, "top_p": 0.0}),
        ({"bottom_nodes": 5, "bottom_k": 5}, {"bottom_k": 4, "bottom_p": 0.0}),
        ({"bottom_nodes": 1}, {"bottom_k": 0, "bottom_p": 0.0}),
        ({"mid_nodes": 1}, {"mid_p": 0.0}),
        ({"merge_concat": 3.0}, {"merge_weighted_sum": 0.25, "merge_concat": 0.75}),
        ({"channel_ratio_1": 8}, {"channel_ratio_1": 1.0, "channel_ratio_2": 0.25, "channel_ratio_3": 0.5}),
    ],
)
def test_canonical_form(mapping: Mapping, changes: Mapping, expected: Mapping) -> None:
    result = canonical({**mapping, **changes})

    assert {name: result[name] for name in expected} == expected
    assert list(result) == [item.name for item in HYPERPARAMETERS]
