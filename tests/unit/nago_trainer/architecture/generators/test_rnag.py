"""The flat generator: three Watts–Strogatz graphs in sequence, through the same architecture."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest

from nago_orchestrator.drawing import draw_svg
from nago_trainer.architecture import (
    HYPERPARAMETERS,
    RNAG_HYPERPARAMETERS,
    Architecture,
    DisconnectedGraphError,
    RnagTheta,
    TensorShape,
    ThetaError,
    canonical,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.architecture.generators.random_graphs import is_connected
from nago_trainer.architecture.theta import MERGES, OPERATIONS, Number

Mapping = dict[str, Number]
ALL = {f"operation_{name}": 1.0 for name in OPERATIONS} | {f"merge_{name}": 1.0 for name in MERGES}
GOLDEN_DEFAULT = "5e0c8deb1240b5f95e4946f04aaa13ead0353e10197c633649fdd727f4a2810c"
"""Of RNAG-D. If it changes, stored studies cannot be replayed."""
GOLDEN_MIXED = "f8d00e54c8487dd121a87451fa1ed0994353ee0818e076f61fa0e45b03227396"
"""Of three unlike graphs with every operation and merge."""


def rnag(**changes: Number) -> Mapping:
    """WS(32, 4, 0.75) in each stage, with changes by name."""
    fixed = {item.name: item.default for item in RNAG_HYPERPARAMETERS if not isinstance(item.default, tuple)}
    graphs = {
        f"stage_{stage}_{part}": value for stage in (1, 2, 3) for part, value in (("nodes", 32), ("k", 4), ("p", 0.75))
    }
    return {**fixed, **graphs, **changes}


def sample(seed: int = 0, **changes: Number) -> Architecture:
    return sample_architecture(RnagTheta.from_mapping(rnag(**changes)), seed)


def sample_connected(**changes: Number) -> Architecture:
    return sample_architecture(RnagTheta.from_mapping(rnag(**changes)), 0, connected=True)


def test_nine_of_the_20_hyperparameters_are_searched() -> None:
    searched = {item.name: item.default for item in RNAG_HYPERPARAMETERS if item.is_searched}

    assert len(RNAG_HYPERPARAMETERS) == 20
    assert searched == {
        f"stage_{stage}_{part}": choice
        for stage in (1, 2, 3)
        for part, choice in (("nodes", (10, 40)), ("k", (2, 9)), ("p", (0.1, 0.9)))
    }


def test_what_both_generators_have_is_the_same_for_both() -> None:
    others = {item.name: item for item in HYPERPARAMETERS}

    shared = [item for item in RNAG_HYPERPARAMETERS if item.name in others]

    assert len(shared) == 11
    assert all(others[item.name] is item for item in shared)


def test_fields_come_from_their_names() -> None:
    theta = RnagTheta.from_mapping(rnag(stage_2_nodes=10.0, stage_3_k=7, stage_1_p=0.2, channel_ratio_3=3))

    assert [(graph.nodes, graph.k, graph.p) for graph in theta.graphs] == [(32, 4, 0.2), (10, 4, 0.75), (32, 7, 0.75)]
    assert type(theta.graphs[1].nodes) is int
    assert theta.channel_ratio == (1.0, 2.0, 3.0)
    assert (theta.operations, theta.merges) == ((0.0, 1.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"stage_1_nodes": 0}, "stage_1_nodes must be an integer from 1 to 64, found 0"),
        ({"stage_2_k": 2.5}, "stage_2_k must be an integer from 0 to 63, found 2.5"),
        ({"stage_3_p": math.nan}, "stage_3_p must be a number from 0 to 1, found nan"),
        ({"top_nodes": 3}, "unknown hyperparameter: top_nodes"),
        ({"stage_ratio_1": 1.0}, "unknown hyperparameter: stage_ratio_1"),
        ({"operation_conv3x3": 0.0}, "every operation"),
    ],
)
def test_an_illegal_theta_is_refused_by_name(changes: Mapping, complaint: str) -> None:
    with pytest.raises(ThetaError, match=complaint):
        RnagTheta.from_mapping(rnag(**changes))
    with pytest.raises(ThetaError, match=complaint):
        canonical(rnag(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stage_1_k": 5}, {"stage_1_k": 4, "stage_1_p": 0.75}),
        ({"stage_2_nodes": 5, "stage_2_k": 9}, {"stage_2_k": 4, "stage_2_p": 0.0}),
        ({"stage_3_nodes": 1}, {"stage_3_k": 0, "stage_3_p": 0.0}),
        ({"merge_concat": 3.0}, {"merge_weighted_sum": 0.25, "merge_concat": 0.75}),
        ({}, {"channel_ratio_1": 0.25, "channel_ratio_2": 0.5, "channel_ratio_3": 1.0}),
    ],
)
def test_canonical_form(changes: Mapping, expected: Mapping) -> None:
    result = canonical(rnag(**changes))

    assert {name: result[name] for name in expected} == expected
    assert list(result) == [item.name for item in RNAG_HYPERPARAMETERS]


def test_golden_digests() -> None:
    mixed: Mapping = {"stage_1_nodes": 10, "stage_2_k": 9, "stage_3_p": 0.1, **ALL}

    assert sample(2020).digest() == GOLDEN_DEFAULT
    assert sample(2020, **mixed).digest() == GOLDEN_MIXED


def test_one_graph_of_the_wanted_size_in_each_stage() -> None:
    architecture = sample(stage_1_nodes=10, stage_2_nodes=20, stage_3_nodes=40)

    assert architecture.dag.edges == ((0, 1), (1, 2))
    assert architecture.stages == (0, 1, 2)
    assert [[bottom.dag.nodes for bottom in cell.nodes] for cell in architecture.cells] == [[10], [20], [40]]
    assert architecture.node_count == 70


def test_each_stage_follows_its_own_hyperparameters() -> None:
    """Rewiring moves edges and makes none; without it, the graph is the ring."""
    architecture = sample(stage_1_k=2, stage_1_p=0.0, stage_2_k=6, stage_3_k=9)
    first, second, third = (cell.nodes[0].dag for cell in architecture.cells)

    assert set(first.edges) == {(0, 31)} | {(node, node + 1) for node in range(31)}
    assert (len(second.edges), len(third.edges)) == (96, 128)


def test_a_stage_does_not_depend_on_the_others() -> None:
    few, many = sample(7, stage_1_nodes=10, stage_3_k=2), sample(7, stage_1_nodes=40, stage_3_k=8)

    assert few.cells[1] == many.cells[1]
    assert few.cells[0] != many.cells[0]


def test_stages_and_seeds_draw_different_graphs() -> None:
    architectures = [sample(seed) for seed in range(20)]

    assert len({cell.nodes[0].dag for item in architectures for cell in item.cells}) == 60


def test_operations_and_merges_follow_their_weights() -> None:
    theta = {"operation_conv3x3": 0.6, "operation_pool5x5": 0.4, "merge_weighted_sum": 0.2, "merge_concat": 0.8}
    bottoms = [cell.nodes[0] for seed in range(30) for cell in sample(seed, **theta).cells]
    operations = Counter(name for bottom in bottoms for name in bottom.operations)
    merges = Counter(name for bottom in bottoms for name in bottom.merges)

    assert operations["conv3x3"] / operations.total() == pytest.approx(0.6, abs=0.04)
    assert merges["concat"] / merges.total() == pytest.approx(0.8, abs=0.04)


def test_labels_without_effect_are_always_the_same() -> None:
    """Cells and middle nodes have one input each: equal networks must not differ in their digest."""
    architecture = sample(merge_weighted_sum=0.0, merge_concat=1.0)

    assert architecture.merges == ("weighted_sum",) * 3
    assert {cell.merges for cell in architecture.cells} == {("weighted_sum",)}


def test_connected_holds_in_every_stage() -> None:
    sparse = {f"stage_{stage}_{part}": value for stage in (1, 2, 3) for part, value in (("k", 2), ("p", 0.9))}
    loose, tied = sample(0, **sparse), sample_connected(**sparse)

    assert not all(is_connected(cell.nodes[0].dag) for cell in loose.cells)
    assert all(is_connected(cell.nodes[0].dag) for cell in tied.cells)


@pytest.mark.slow
def test_a_graph_that_cannot_be_connected_is_refused() -> None:
    with pytest.raises(DisconnectedGraphError, match="of cell 1"):
        sample_connected(stage_2_k=0)


def test_plan_drawing_and_json_need_nothing_new() -> None:
    architecture = sample(3)
    _, plan = fit_plan(architecture, TensorShape(3, 32), 10, 4_000_000)

    assert 0.9 * 4_000_000 < count_parameters(plan) <= 4_000_000
    assert {tensor.size for tensor in plan.tensors} == {32, 16, 8, 1}
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture
    assert draw_svg(architecture, title="rnag").count("<circle") >= architecture.node_count
