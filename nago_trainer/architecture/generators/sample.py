"""theta and a seed -> one architecture: the generator itself.

Source: Ru, Esperança and Carlucci (2020), section 2.1: Watts–Strogatz, Erdős–Rényi, Watts–Strogatz from top to
bottom; every graph of every level is drawn for itself. RNAG, three Watts–Strogatz graphs in sequence (Xie et al.,
2019), is the architecture whose top graph is a chain of three cells, one in each stage, each of one middle node.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from nago_trainer.architecture.architecture import Architecture, BottomGraph, Cell, Dag
from nago_trainer.architecture.generators.random_graphs import (
    Purpose,
    RandomWords,
    draw_erdos_renyi,
    draw_labels,
    draw_watts_strogatz,
)
from nago_trainer.architecture.generators.registry import Theta
from nago_trainer.architecture.generators.rnag import Ring, RnagTheta
from nago_trainer.architecture.theta import MERGES, OPERATIONS, HnagTheta, normalised, scaled_to_maximum

_PASSES = MERGES[0]
"""The merge of a node that always has one input: a label without effect, the same in all architectures."""


def sample_architecture(theta: Theta, seed: int, *, connected: bool = False) -> Architecture:
    """One draw of the theta's generator. The same theta and seed (0 or above) give the same digest in every process.

    Thetas with equal canonical forms give equal architectures. Every node of every level draws its merge, every
    bottom node its operation, independently.

    connected: redraw each graph until its nodes hang together, instead of keeping parallel branches. This changes
    the distribution: sparse Erdős–Rényi graphs become denser. Raises DisconnectedGraphError after CONNECTION_TRIES.
    """
    if isinstance(theta, RnagTheta):
        return _sample_rnag(theta, seed, connected)
    return _sample_hnag(theta, seed, connected)


def _sample_hnag(theta: HnagTheta, seed: int, connected: bool) -> Architecture:
    words = RandomWords(seed, ())
    dag = draw_watts_strogatz(words, nodes=theta.top_nodes, k=theta.top_k, p=theta.top_p, connected=connected)
    return Architecture(
        dag=dag,
        merges=_draw_merges(theta, words, dag.nodes),
        cells=tuple(_sample_cell(theta, seed, cell, connected) for cell in range(dag.nodes)),
        stages=assign_stages(dag.nodes, theta.stage_ratio),
        channel_ratio=tuple(scaled_to_maximum(theta.channel_ratio)),
    )


def _sample_rnag(theta: RnagTheta, seed: int, connected: bool) -> Architecture:
    """Each stage's graph is named as the bottom graph of its cell's only middle node."""
    bottoms = [
        _sample_bottom(theta, RandomWords(seed, (stage, 0)), ring, connected) for stage, ring in enumerate(theta.graphs)
    ]
    stages = tuple(range(len(bottoms)))
    return Architecture(
        dag=Dag(len(stages), tuple(pairwise(stages))),
        merges=(_PASSES,) * len(stages),
        cells=tuple(Cell(dag=Dag(1, ()), merges=(_PASSES,), nodes=(bottom,)) for bottom in bottoms),
        stages=stages,
        channel_ratio=tuple(scaled_to_maximum(theta.channel_ratio)),
    )


def assign_stages(nodes: int, stage_ratio: Sequence[float]) -> tuple[int, ...]:
    """Stage of each top node: node i (from 0) is in the first stage s with i < ⌈nodes · (r₁ + … + rₛ) / Σr⌉.

    Every node has a stage, later nodes never an earlier one; thirds split 4 nodes into 2, 1, 1 and 8 into 3, 3, 2.
    """
    shares = normalised(stage_ratio)
    # The tolerance keeps 10 · (0.1 + 0.2) at 3 nodes; the last stage takes all that is left.
    ends = [math.ceil(nodes * math.fsum(shares[: stage + 1]) - 1e-9) for stage in range(len(shares))]
    ends[_last_used(shares)] = nodes
    return tuple(next(stage for stage, end in enumerate(ends) if node < end) for node in range(nodes))


def _last_used(shares: Sequence[float]) -> int:
    return max(stage for stage, share in enumerate(shares) if share > 0)


def _sample_cell(theta: HnagTheta, seed: int, cell: int, connected: bool) -> Cell:
    words = RandomWords(seed, (cell,))
    dag = draw_erdos_renyi(words, nodes=theta.mid_nodes, p=theta.mid_p, connected=connected)
    ring = Ring(nodes=theta.bottom_nodes, k=theta.bottom_k, p=theta.bottom_p)
    return Cell(
        dag=dag,
        merges=_draw_merges(theta, words, dag.nodes),
        nodes=tuple(
            _sample_bottom(theta, RandomWords(seed, (cell, node)), ring, connected) for node in range(dag.nodes)
        ),
    )


def _sample_bottom(theta: Theta, words: RandomWords, ring: Ring, connected: bool) -> BottomGraph:
    dag = draw_watts_strogatz(words, nodes=ring.nodes, k=ring.k, p=ring.p, connected=connected)
    return BottomGraph(
        dag=dag,
        operations=draw_labels(words, Purpose.OPERATIONS, dag.nodes, OPERATIONS, normalised(theta.operations)),
        merges=_draw_merges(theta, words, dag.nodes),
    )


def _draw_merges(theta: Theta, words: RandomWords, nodes: int) -> tuple[str, ...]:
    return draw_labels(words, Purpose.MERGES, nodes, MERGES, normalised(theta.merges))
