"""One sampled architecture: three levels of graphs, with an operation and a merge per node. Width is not part of it.

Made by `sample.sample_architecture`, read by `blueprint.draw_blueprint`, stored and sent as JSON. Every value checks
itself when it is made, so that an architecture that exists can be planned.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from nago_trainer.architecture.theta import LARGEST_RATIO, MERGES, OPERATIONS

FORM = "hierarchical-1"
"""Names the JSON form; raised when the meaning of a field changes."""


class ArchitectureError(ValueError):
    """An architecture, or its JSON form, contradicts itself."""


@dataclass(frozen=True)
class Dag:
    """A directed acyclic graph: nodes 0 … nodes - 1, every edge from the lower to the higher number, sorted.

    Nodes without predecessor receive the graph's input, nodes without successor are its outputs; parts that are not
    connected with each other are parallel branches.
    """

    nodes: int
    edges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if self.nodes < 1:
            raise ArchitectureError(f"a graph has {self.nodes} nodes, and needs at least 1")
        if any(not 0 <= low < high < self.nodes for low, high in self.edges):
            raise ArchitectureError(f"an edge does not lead from a lower to a higher one of the nodes {self.nodes}")
        if any(first >= second for first, second in zip(self.edges, self.edges[1:], strict=False)):
            raise ArchitectureError("the edges of a graph are not sorted, or one is repeated")

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        """Of every node, ascending."""
        lists: list[list[int]] = [[] for _ in range(self.nodes)]
        for low, high in self.edges:
            lists[high].append(low)
        return tuple(map(tuple, lists))

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Nodes without successor, ascending; never empty."""
        sources = {low for low, _ in self.edges}
        return tuple(node for node in range(self.nodes) if node not in sources)


@dataclass(frozen=True)
class BottomGraph:
    """A mid node: a graph of basic operations, all at one resolution and one number of channels."""

    dag: Dag
    operations: tuple[str, ...]
    merges: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_labels("operation", self.operations, OPERATIONS, self.dag)
        _check_labels("merge", self.merges, MERGES, self.dag)


@dataclass(frozen=True)
class Cell:
    """A top node: a graph of bottom graphs, all at one resolution and one number of channels."""

    dag: Dag
    merges: tuple[str, ...]
    nodes: tuple[BottomGraph, ...]

    def __post_init__(self) -> None:
        _check_labels("merge", self.merges, MERGES, self.dag)
        if len(self.nodes) != self.dag.nodes:
            raise ArchitectureError(f"a cell of {self.dag.nodes} nodes has {len(self.nodes)} bottom graphs")


@dataclass(frozen=True)
class Architecture:
    """A network but for its width and its image: the top graph of cells, in stages."""

    dag: Dag
    merges: tuple[str, ...]
    cells: tuple[Cell, ...]
    stages: tuple[int, ...]
    """Of each cell, not descending; stage s works at 1 / 2^s of the resolution."""
    channel_ratio: tuple[float, ...]
    """Of each stage, positive; only the proportions count."""

    def __post_init__(self) -> None:
        _check_labels("merge", self.merges, MERGES, self.dag)
        if not len(self.cells) == len(self.stages) == self.dag.nodes:
            raise ArchitectureError(
                f"a top graph of {self.dag.nodes} nodes has {len(self.cells)} cells and {len(self.stages)} stages"
            )
        if list(self.stages) != sorted(self.stages) or not 0 <= self.stages[0] <= self.stages[-1] < self._stage_count:
            raise ArchitectureError(f"the stages {self.stages} decrease or are not within 0 … {self._stage_count - 1}")
        if any(not 0 < ratio <= LARGEST_RATIO for ratio in self.channel_ratio):
            raise ArchitectureError(f"the channel ratios {self.channel_ratio} are not all positive numbers")

    @property
    def _stage_count(self) -> int:
        return len(self.channel_ratio)

    @property
    def node_count(self) -> int:
        """Basic operation nodes, over all cells."""
        return sum(bottom.dag.nodes for cell in self.cells for bottom in cell.nodes)

    def to_json(self) -> dict[str, Any]:
        """Lists, strings and numbers only; `from_json` gives an equal architecture back."""
        return {
            "form": FORM,
            **_dag_to_json(self.dag),
            "merges": list(self.merges),
            "stages": list(self.stages),
            "channel_ratio": list(self.channel_ratio),
            "cells": [_cell_to_json(cell) for cell in self.cells],
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ArchitectureError for another form, a missing key or a contradiction."""
        if not isinstance(data, dict) or data.get("form") != FORM:
            raise ArchitectureError(f"the architecture does not have the format {FORM}")
        try:
            return cls(
                dag=_dag_from_json(data),
                merges=tuple(data["merges"]),
                cells=tuple(_cell_from_json(cell) for cell in data["cells"]),
                stages=tuple(map(int, data["stages"])),
                channel_ratio=tuple(map(float, data["channel_ratio"])),
            )
        except ArchitectureError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise ArchitectureError(f"the architecture's JSON is incomplete or has a wrong type: {error}") from error

    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal: equal architectures, equal digests, on every machine."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check_labels(what: str, labels: tuple[str, ...], known: tuple[str, ...], dag: Dag) -> None:
    if len(labels) != dag.nodes:
        raise ArchitectureError(f"a graph of {dag.nodes} nodes has {len(labels)} {what}s")
    unknown = set(labels) - set(known)
    if unknown:
        raise ArchitectureError(f"{min(map(str, unknown))!r} is no {what}; known are {', '.join(known)}")


def _dag_to_json(dag: Dag) -> dict[str, Any]:
    return {"nodes": dag.nodes, "edges": [list(edge) for edge in dag.edges]}


def _dag_from_json(data: dict[str, Any]) -> Dag:
    return Dag(nodes=int(data["nodes"]), edges=tuple((int(low), int(high)) for low, high in data["edges"]))


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    bottoms = [
        {**_dag_to_json(bottom.dag), "operations": list(bottom.operations), "merges": list(bottom.merges)}
        for bottom in cell.nodes
    ]
    return {**_dag_to_json(cell.dag), "merges": list(cell.merges), "graphs": bottoms}


def _cell_from_json(data: dict[str, Any]) -> Cell:
    bottoms = (
        BottomGraph(dag=_dag_from_json(item), operations=tuple(item["operations"]), merges=tuple(item["merges"]))
        for item in data["graphs"]
    )
    return Cell(dag=_dag_from_json(data), merges=tuple(data["merges"]), nodes=tuple(bottoms))
