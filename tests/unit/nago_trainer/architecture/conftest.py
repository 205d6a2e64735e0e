"""Thetas and hand-made architectures that the tests of the generator share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nago_trainer.architecture import HYPERPARAMETERS, Architecture, BottomGraph, Cell, Dag, HnagTheta
from nago_trainer.architecture.theta import Number

Mapping = dict[str, Number]
MakeTheta = Callable[..., HnagTheta]


def paper_draw(rng: np.random.Generator) -> Mapping:
    """Uniform over the paper's ranges, everything else as the paper fixes it."""
    values: Mapping = {}
    for item in HYPERPARAMETERS:
        if not isinstance(item.default, tuple):
            values[item.name] = item.default
        elif item.kind == "int":
            values[item.name] = int(rng.integers(int(item.default[0]), int(item.default[1]), endpoint=True))
        else:
            values[item.name] = float(rng.uniform(*item.default))
    return values


@pytest.fixture
def mapping() -> Mapping:
    """A theta in the middle of the paper's ranges."""
    middle: Mapping = {
        "top_nodes": 5, "top_k": 4, "top_p": 0.5, "mid_nodes": 3, "mid_p": 0.5,
        "bottom_nodes": 4, "bottom_k": 3, "bottom_p": 0.5,
    }  # fmt: skip
    return {**{item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}, **middle}


@pytest.fixture
def make_theta(mapping: Mapping) -> MakeTheta:
    """The theta in the middle of the paper's ranges, with changes by name."""

    def make(**changes: Number) -> HnagTheta:
        return HnagTheta.from_mapping({**mapping, **changes})

    return make


@pytest.fixture
def draw_thetas() -> Callable[[int], list[HnagTheta]]:
    """Uniform draws over the paper's ranges; every other one samples all operations and merges as well."""

    def draw(count: int) -> list[HnagTheta]:
        rng = np.random.default_rng(0)
        thetas = []
        for number in range(count):
            values = paper_draw(rng)
            if number % 2:
                values |= {name: 1.0 for name in values if name.startswith(("operation_", "merge_"))}
            thetas.append(HnagTheta.from_mapping(values))
        return thetas

    return draw


MakeArchitecture = Callable[..., Architecture]


@pytest.fixture
def make_architecture() -> MakeArchitecture:
    """A top graph of cells that all are one operation."""

    def make(
        *,
        edges: tuple[tuple[int, int], ...] = (),
        stages: tuple[int, ...] = (0,),
        merge: str = "weighted_sum",
        operation: str = "conv3x3",
        channel_ratio: tuple[float, ...] = (0.25, 0.5, 1.0),
    ) -> Architecture:
        nodes = len(stages)
        bottom = BottomGraph(Dag(1, ()), (operation,), (merge,))
        cell = Cell(Dag(1, ()), (merge,), (bottom,))
        return Architecture(Dag(nodes, edges), (merge,) * nodes, (cell,) * nodes, stages, channel_ratio)

    return make
