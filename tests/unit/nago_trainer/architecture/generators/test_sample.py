"""The generator: reproducible, every graph drawn for itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from nago_trainer.architecture import HnagTheta, canonical, sample_architecture
from nago_trainer.architecture.generators.random_graphs import is_connected
from nago_trainer.architecture.generators.sample import assign_stages
from nago_trainer.architecture.theta import MERGES, OPERATIONS, Number

MakeTheta = Callable[..., HnagTheta]
ALL = {f"operation_{name}": 1.0 for name in OPERATIONS} | {f"merge_{name}": 1.0 for name in MERGES}

GOLDEN = "fc3fed3879ef0bd34b6bd1e8f78d1658175c1152032f60403e0df846c811c424"
"""Of the fixture's theta with every operation and merge. If it changes, stored studies cannot be replayed."""


def test_golden_digest(make_theta: MakeTheta) -> None:
    assert sample_architecture(make_theta(**ALL), seed=2020).digest() == GOLDEN


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_a_fresh_process_draws_the_same(make_theta: MakeTheta, hash_seed: str) -> None:
    program = "from nago_trainer.architecture import *; print(sample_architecture({theta!r}, seed=2020).digest())"
    result = subprocess.run(
        [sys.executable, "-c", program.format(theta=make_theta(**ALL))],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == GOLDEN


def test_seeds_give_different_architectures(make_theta: MakeTheta) -> None:
    theta = make_theta()

    assert len({sample_architecture(theta, seed).digest() for seed in range(50)}) == 50


def test_every_graph_is_drawn_for_itself(make_theta: MakeTheta) -> None:
    theta = make_theta(top_nodes=10, mid_nodes=8, mid_p=0.5, bottom_nodes=10, bottom_k=4, bottom_p=0.5)
    architecture = sample_architecture(theta, seed=0)

    assert len({cell.dag for cell in architecture.cells}) == 10
    assert len({bottom.dag for cell in architecture.cells for bottom in cell.nodes}) == 80


def test_a_graph_does_not_depend_on_how_many_others_are_drawn(make_theta: MakeTheta) -> None:
    small, large = (
        sample_architecture(make_theta(top_nodes=top, mid_nodes=mid, **ALL), seed=1) for top, mid in ((3, 2), (9, 7))
    )

    assert all(few.nodes == many.nodes[:2] for few, many in zip(small.cells, large.cells[:3], strict=True))


def test_thetas_with_one_canonical_form_draw_the_same(mapping: dict[str, Number]) -> None:
    spelled = {**mapping, "top_nodes": 10, "top_k": 5, "bottom_nodes": 3, "bottom_k": 5, "merge_concat": 3.0}

    proposed, agreed = HnagTheta.from_mapping(spelled), HnagTheta.from_mapping(canonical(spelled))

    assert proposed != agreed
    assert sample_architecture(proposed, seed=4) == sample_architecture(agreed, seed=4)


@pytest.mark.parametrize(
    ("nodes", "ratio", "sizes"),
    [
        (1, (1, 1, 1), (1, 0, 0)),
        (2, (1, 1, 1), (1, 1, 0)),
        (3, (1, 1, 1), (1, 1, 1)),
        (4, (1, 1, 1), (2, 1, 1)),
        (8, (1 / 3, 1 / 3, 1 / 3), (3, 3, 2)),
        (10, (0.33, 0.33, 0.33), (4, 3, 3)),
        (20, (0.2, 0.2, 0.6), (4, 4, 12)),
        (10, (0.1, 0.2, 0.7), (1, 2, 7)),
        (5, (0, 1, 0), (0, 5, 0)),
        (5, (0, 0, 2), (0, 0, 5)),
        (64, (1e-3, 1e6, 1e-3), (1, 63, 0)),
    ],
)
def test_stages(nodes: int, ratio: tuple[float, ...], sizes: tuple[int, ...]) -> None:
    counts = Counter(assign_stages(nodes, ratio))

    assert tuple(counts[stage] for stage in range(3)) == sizes


def test_operations_and_merges_follow_their_weights(make_theta: MakeTheta) -> None:
    weights = {"operation_conv3x3": 0.6, "operation_pool5x5": 0.4, "merge_weighted_sum": 0.2, "merge_concat": 0.8}
    theta = make_theta(top_nodes=10, mid_nodes=10, bottom_nodes=10, **weights)
    architectures = [sample_architecture(theta, seed) for seed in range(5)]
    bottoms = [bottom for item in architectures for cell in item.cells for bottom in cell.nodes]
    operations = Counter(name for bottom in bottoms for name in bottom.operations)
    merges = Counter(name for bottom in bottoms for name in bottom.merges)
    pairs = Counter(pair for bottom in bottoms for pair in zip(bottom.operations, bottom.merges, strict=True))

    assert set(operations) == {"conv3x3", "pool5x5"}
    assert operations["conv3x3"] / 5000 == pytest.approx(0.6, abs=0.04)
    assert merges["concat"] / 5000 == pytest.approx(0.8, abs=0.03)
    assert pairs["conv3x3", "concat"] / 5000 == pytest.approx(0.48, abs=0.04)


def test_connected_holds_at_every_level(make_theta: MakeTheta) -> None:
    theta = make_theta(top_nodes=6, top_k=2, mid_nodes=6, mid_p=0.3, bottom_nodes=6, bottom_k=2, bottom_p=0.9)
    architecture = sample_architecture(theta, seed=0, connected=True)
    bottoms = [bottom.dag for cell in architecture.cells for bottom in cell.nodes]

    assert all(map(is_connected, [architecture.dag, *(cell.dag for cell in architecture.cells), *bottoms]))
