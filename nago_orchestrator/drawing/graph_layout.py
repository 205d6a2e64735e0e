"""Where the nodes of a graph stand and how its edges run: layers from left to right, few crossings, no edge through a
node.

A small form of Sugiyama's method (Sugiyama, Tagawa and Toda, 1981): layer by longest path, split long edges by bends,
order every layer by the mean place of its neighbours, then pull neighbours to the same height. Pure and deterministic;
called by `compose`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import fmean

from nago_trainer.architecture.architecture import Dag

Point = tuple[float, float]
Route = tuple[Point, ...]
"""Points from left to right; a smooth curve leads through them."""

SWEEPS = 6
BEND_ROOM = 0.35
"""Height that a bend needs, as a part of a node's."""
MOST_BENDS = 500
"""A graph whose edges need more is too dense to follow them: further edges have a single bend, in their middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphLayout:
    """In units of the spacing given to `lay_out_graph`; the upper left corner is (0, 0)."""

    nodes: tuple[Point, ...]
    columns: tuple[int, ...]
    """Of each node; column 0 holds the entry."""
    edges: tuple[Route, ...]
    """In the graph's order."""
    entry: Point
    exit: Point
    entering: tuple[Route, ...]
    """From the entry to every node without predecessor."""
    leaving: tuple[Route, ...]
    """From every output to the exit."""
    width: float
    height: float


def lay_out_graph(dag: Dag, *, column: float, row: float, groups: Sequence[int] | None = None) -> GraphLayout:
    """Nodes stand at least `column` apart from left to right or `row` apart from top to bottom.

    groups: number of each node's group, not descending; later groups stand entirely to the right of earlier ones.
    """
    columns = _columns(dag, groups or (0,) * dag.nodes)
    entry, exit_ = dag.nodes, dag.nodes + 1
    sources = [node for node, before in enumerate(dag.predecessors) if not before]
    ends = [*dag.edges, *((entry, node) for node in sources), *((node, exit_) for node in dag.outputs)]
    net = _Net(columns=[*columns, 0, max(columns) + 1], nodes=dag.nodes)
    chains = [net.chain(low, high) for low, high in ends]
    heights = net.heights()
    top, bottom = min(heights), max(heights)
    points = [(net.columns[item] * column, (heights[item] - top) * row) for item in range(len(heights))]
    routes = [tuple(points[item] for item in chain) for chain in chains]
    split = len(dag.edges), len(dag.edges) + len(sources)
    return GraphLayout(
        nodes=tuple(points[: dag.nodes]),
        columns=tuple(columns),
        edges=tuple(routes[: split[0]]),
        entry=points[entry],
        exit=points[exit_],
        entering=tuple(routes[split[0] : split[1]]),
        leaving=tuple(routes[split[1] :]),
        width=net.columns[exit_] * column,
        height=(bottom - top) * row,
    )


def _columns(dag: Dag, groups: Sequence[int]) -> list[int]:
    """From 1: one more than the last predecessor's, and beyond all columns of earlier groups."""
    columns: list[int] = []
    floor = 1
    for node, before in enumerate(dag.predecessors):
        if node and groups[node] != groups[node - 1]:
            floor = max(columns) + 1
        columns.append(max([floor, *(columns[other] + 1 for other in before)]))
    return columns


@dataclass(slots=True, kw_only=True)
class _Net:
    """The graph with its entry, exit and bends; links join neighbouring columns, unless the graph is too dense."""

    columns: list[int]
    nodes: int
    left: dict[int, list[int]] = field(default_factory=dict)
    right: dict[int, list[int]] = field(default_factory=dict)

    def chain(self, low: int, high: int) -> list[int]:
        """Adds the edge, with a bend in every column between its ends."""
        bends = range(self.columns[low] + 1, self.columns[high])
        if len(self.columns) + len(bends) > MOST_BENDS:
            bends = bends[len(bends) // 2 :][:1]
        first = len(self.columns)
        self.columns.extend(bends)
        chain = [low, *range(first, len(self.columns)), high]
        for before, after in pairwise(chain):
            self.right.setdefault(before, []).append(after)
            self.left.setdefault(after, []).append(before)
        return chain

    def heights(self) -> list[float]:
        """Of every item, in rows."""
        layers: list[list[int]] = [[] for _ in range(max(self.columns) + 1)]
        for item, column in enumerate(self.columns):
            layers[column].append(item)
        heights = [0.0] * len(self.columns)
        for layer in layers:
            self._stack(layer, heights)
        for sweep in range(SWEEPS):
            neighbours, order = (self.left, layers) if sweep % 2 == 0 else (self.right, layers[::-1])
            for layer in order:
                wishes = {
                    item: _mean((heights[other] for other in neighbours.get(item, ())), heights[item]) for item in layer
                }
                layer.sort(key=wishes.__getitem__)
                self._stack(layer, heights)
        for sweep in range(SWEEPS):
            for layer in layers if sweep % 2 else layers[::-1]:
                self._pull(layer, heights)
        return heights

    def _room(self, upper: int, lower: int) -> float:
        """Least distance of two items of a layer."""
        bends = (upper >= self.nodes) + (lower >= self.nodes)
        return 1.0 - bends * (1.0 - BEND_ROOM) / 2

    def _stack(self, layer: list[int], heights: list[float]) -> None:
        """As close as allowed, around the middle."""
        height = 0.0
        for position, item in enumerate(layer):
            height += self._room(layer[position - 1], item) if position else 0.0
            heights[item] = height
        for item in layer:
            heights[item] -= height / 2

    def _pull(self, layer: list[int], heights: list[float]) -> None:
        """As near as possible to the mean of all neighbours, in the same order and with the distances kept."""
        wishes = []
        for item in layer:
            around = [*self.left.get(item, ()), *self.right.get(item, ())]
            wishes.append(_mean((heights[other] for other in around), heights[item]))
        rooms = [0.0, *(self._room(upper, lower) for upper, lower in pairwise(layer))]
        offsets = list(accumulate(rooms))
        free = _ascending([wish - offset for wish, offset in zip(wishes, offsets, strict=True)])
        for item, place, offset in zip(layer, free, offsets, strict=True):
            heights[item] = place + offset


def _ascending(wishes: Sequence[float]) -> list[float]:
    """The not descending sequence that is nearest to the wishes in least squares: pool adjacent violators."""
    pools: list[tuple[float, int]] = []
    for wish in wishes:
        mean, size = wish, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, size = (mean * size + other * others) / (size + others), size + others
        pools.append((mean, size))
    return [mean for mean, size in pools for _ in range(size)]


def _mean(values: Iterable[float], otherwise: float) -> float:
    collected = list(values)
    return fmean(collected) if collected else otherwise
