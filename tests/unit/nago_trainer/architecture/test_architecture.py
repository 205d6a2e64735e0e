"""The value that a draw of the generator is, its checks, its JSON form and its digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nago_trainer.architecture import (
    Architecture,
    ArchitectureError,
    BottomGraph,
    Cell,
    Dag,
    HnagTheta,
    sample_architecture,
)

MakeTheta = Callable[..., HnagTheta]


@pytest.fixture
def architecture(make_theta: MakeTheta) -> Architecture:
    return sample_architecture(make_theta(merge_concat=1.0, operation_pool3x3=1.0), seed=3)


def test_predecessors_and_outputs_of_parallel_branches() -> None:
    dag = Dag(5, ((0, 2), (1, 2), (3, 4)))

    assert dag.predecessors == ((), (), (0, 1), (), (3,))
    assert dag.outputs == (2, 4)


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        (0, ()),
        (3, ((1, 0),)),
        (3, ((1, 1),)),
        (3, ((0, 3),)),
        (3, ((-1, 2),)),
        (3, ((1, 2), (0, 1))),
        (2, ((0, 1),) * 2),
    ],
)
def test_a_graph_has_nodes_and_sorted_single_ascending_edges(nodes: int, edges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ArchitectureError):
        Dag(nodes, edges)


def test_labels_are_known_and_one_per_node() -> None:
    with pytest.raises(ArchitectureError, match="'conv7x7' is no operation"):
        BottomGraph(Dag(1, ()), ("conv7x7",), ("concat",))
    with pytest.raises(ArchitectureError, match="2 nodes has 1 merges"):
        BottomGraph(Dag(2, ()), ("conv1x1", "conv1x1"), ("concat",))
    with pytest.raises(ArchitectureError, match="0 bottom graphs"):
        Cell(Dag(1, ()), ("concat",), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"stages": (0, 0, 1, 1, 3)},
        {"stages": (0, 1, 0, 1, 2)},
        {"stages": (-1, 0, 0, 1, 2)},
        {"stages": (0, 1)},
        {"cells": ()},
        {"channel_ratio": (1.0, 0.0, 1.0)},
        {"channel_ratio": (1.0, float("nan"), 1.0)},
    ],
)
def test_stages_ascend_and_have_positive_ratios(architecture: Architecture, changes: dict[str, Any]) -> None:
    with pytest.raises(ArchitectureError):
        replace(architecture, **changes)


def test_node_count_is_the_number_of_basic_operations(architecture: Architecture) -> None:
    assert architecture.node_count == 5 * 3 * 4


def test_json_gives_the_same_architecture_back(architecture: Architecture) -> None:
    text = json.dumps(architecture.to_json())

    assert Architecture.from_json(json.loads(text)) == architecture
    assert Architecture.from_json(json.loads(text)).digest() == architecture.digest()


def test_any_change_changes_the_digest(architecture: Architecture) -> None:
    other_edge = replace(architecture, dag=replace(architecture.dag, edges=architecture.dag.edges[1:]))
    other_ratio = replace(architecture, channel_ratio=(0.25, 0.5, 0.75))

    assert len({architecture.digest(), other_edge.digest(), other_ratio.digest()}) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"form": "hierarchical-0"},
        {"cells": None},
        {"nodes": "many"},
        {"edges": [[0]]},
        {"edges": [[0, 1, 2]]},
        {"stages": [0, 1, 2, "x", 2]},
        {"merges": [["concat"]] * 5},
        {"cells": [{"nodes": 1}] * 5},
    ],
)
def test_bad_json_is_refused(architecture: Architecture, changes: dict[str, Any]) -> None:
    with pytest.raises(ArchitectureError):
        Architecture.from_json({**architecture.to_json(), **changes})


@pytest.mark.parametrize("data", [None, [], {}, "text"])
def test_json_of_another_kind_is_refused(data: Any) -> None:
    with pytest.raises(ArchitectureError, match="form"):
        Architecture.from_json(data)
