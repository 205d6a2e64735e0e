"""Random graphs as DAGs, and the random words that they are drawn from. Called by sample.py alone.

The graphs are networkx's; their seeds and all other random numbers are words of `numpy.random.SeedSequence`, whose
output numpy keeps the same across versions and machines. Both are imported by the first draw: they take half a
second, and commands that only read the names of the hyperparameters should not wait for them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import IntEnum
from itertools import accumulate
from types import ModuleType
from typing import TYPE_CHECKING

from nago_trainer.architecture.architecture import Dag
from nago_trainer.architecture.theta import ring_degree
from nago_trainer.contract.error_text import error_text

if TYPE_CHECKING:
    import networkx as nx

CONNECTION_TRIES = 5000
"""How often `connected` draws a graph anew before it gives up."""


class Purpose(IntEnum):
    """What random words are for; part of their name, so that no draw shifts another."""

    GRAPH = 0
    MERGES = 1
    OPERATIONS = 2


class DisconnectedGraphError(ValueError):
    """No connected graph came up in CONNECTION_TRIES tries."""


class RandomWords:
    """The random words of one graph, named by the architecture's seed and the graph's position in the architecture.

    No draw depends on how many others were made before: the graphs of cell 2 are the same whatever cell 1 looks like.
    """

    def __init__(self, seed: int, position: tuple[int, ...]) -> None:
        self.position = position
        self._seed = seed

    def graph_seed(self, attempt: int) -> int:
        return self._words(1, (Purpose.GRAPH, attempt))[0]

    def uniforms(self, purpose: Purpose, count: int) -> list[float]:
        """`count` numbers in [0, 1) with 53 bits; the first ones are the same for every count."""
        return [(word >> 11) * 2.0**-53 for word in self._words(count, (purpose,))]

    def _words(self, count: int, purpose: tuple[int, ...]) -> list[int]:
        import numpy as np  # here, as the module's docstring says

        # The length comes first, so that no key is another one's beginning.
        key = (len(self.position), *self.position, *purpose)
        words: list[int] = np.random.SeedSequence(self._seed, spawn_key=key).generate_state(count, np.uint64).tolist()
        return words


def draw_watts_strogatz(words: RandomWords, *, nodes: int, k: int, p: float, connected: bool) -> Dag:
    """A ring of `nodes` in which each joins its `ring_degree(nodes, k)` nearest, each edge rewired with probability p.

    Source: Watts and Strogatz (1998), without a redraw unless `connected`, as in the paper. Raises
    DisconnectedGraphError.
    """
    networkx = _networkx()
    degree = ring_degree(nodes, k)

    def draw(seed: int) -> Dag:
        if nodes == 2:  # The ring needs three; two nodes have their one edge.
            return Dag(2, ((0, 1),))
        return _to_dag(networkx.watts_strogatz_graph(nodes, degree, p, seed=seed))

    return _draw(draw, words, connected, f"Watts–Strogatz graph of {nodes} nodes with k = {degree}, p = {p:g}")


def draw_erdos_renyi(words: RandomWords, *, nodes: int, p: float, connected: bool) -> Dag:
    """Each of the nodes·(nodes - 1) / 2 possible edges with probability p, independently (Gilbert's form).

    Source: Erdős and Rényi (1960). Raises DisconnectedGraphError.
    """
    networkx = _networkx()

    def draw(seed: int) -> Dag:
        return _to_dag(networkx.erdos_renyi_graph(nodes, p, seed=seed))

    return _draw(draw, words, connected, f"Erdős–Rényi graph of {nodes} nodes with p = {p:g}")


def draw_labels(
    words: RandomWords, purpose: Purpose, count: int, names: Sequence[str], weights: Sequence[float]
) -> tuple[str, ...]:
    """`count` names, independently, with probabilities proportional to the weights."""
    likely = [(name, weight) for name, weight in zip(names, weights, strict=True) if weight > 0]
    if len(likely) == 1:
        return (likely[0][0],) * count
    return tuple(place_labels(words.uniforms(purpose, count), likely))


def place_labels(uniforms: Sequence[float], likely: Sequence[tuple[str, float]]) -> list[str]:
    """The name in whose share each number of [0, 1) lies (inverse of the distribution function)."""
    bounds = list(accumulate(weight for _, weight in likely))
    # The last bound is left out of the search, so that rounding cannot lead beyond the last name.
    last = len(likely) - 1
    return [likely[bisect_right(bounds, uniform * bounds[-1], hi=last)][0] for uniform in uniforms]


def _draw(draw: Callable[[int], Dag], words: RandomWords, connected: bool, what: str) -> Dag:
    if not connected:
        return draw(words.graph_seed(0))
    for attempt in range(CONNECTION_TRIES):
        dag = draw(words.graph_seed(attempt))
        if is_connected(dag):
            return dag
    raise DisconnectedGraphError(
        error_text(
            f"no connected {what} in {CONNECTION_TRIES} samples",
            where=_place(words.position),
            do="raise k or p, or set connected: false",
        )
    )


def _place(position: tuple[int, ...]) -> str:
    if not position:
        return "the top graph"
    cell, *node = position
    return f"node {node[0]} of cell {cell}" if node else f"cell {cell}"


def is_connected(dag: Dag) -> bool:
    """Whether every node can be reached from every other when the directions are ignored."""
    part = list(range(dag.nodes))
    for low, high in dag.edges:
        old, new = part[high], part[low]
        if old != new:
            part = [new if entry == old else entry for entry in part]
    return len(set(part)) == 1


def _networkx() -> ModuleType:
    import networkx  # here, as the module's docstring says

    return networkx


def _to_dag(graph: nx.Graph[int]) -> Dag:
    edges = sorted((min(edge), max(edge)) for edge in graph.edges())
    return Dag(graph.number_of_nodes(), tuple(edges))
