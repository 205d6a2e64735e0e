"""Search spaces for test problems: hyperparameters of the generator that a problem's inputs are read from.

The weights of operations and merges are real, and no two thetas that differ in them are the same generator, since one
weight of each group is fixed.
"""

from __future__ import annotations

import numpy as np

from benchmarks.fidelity_problems import Array
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_trainer.architecture import HYPERPARAMETERS

REAL = (
    "operation_conv1x1",
    "operation_conv3x3",
    "operation_conv5x5",
    "operation_pool3x3",
    "merge_weighted_sum",
    "merge_attention_sum",
)
WHOLE = ("top_nodes", "mid_nodes", "bottom_nodes", "top_k")
_WHOLE_LOW = 4
_FIXED = {"top_nodes": 6, "top_k": 4, "mid_nodes": 3, "bottom_nodes": 6, "bottom_k": 4, "operation_pool5x5": 1.0}


def unit_space(real: int, whole: int = 0) -> SearchSpace:
    """`real` dimensions from 0 to 1, and `whole` ones of two values each."""
    searched: list[IntegerRange | FloatRange] = [
        *(IntegerRange(name=name, low=_WHOLE_LOW, high=_WHOLE_LOW + 1) for name in WHOLE[:whole]),
        *(FloatRange(name=name, low=0.0, high=1.0) for name in REAL[:real]),
    ]
    names = {dimension.name for dimension in searched}
    fixed = {
        item.name: _FIXED.get(item.name, 0.5 if isinstance(item.default, tuple) else max(item.default, 0.5))
        for item in HYPERPARAMETERS
        if item.name not in names
    }
    return SearchSpace(generator="hnag", connected=False, dimensions=tuple(searched), fixed=fixed)


def inputs(space: SearchSpace, theta: Theta) -> Array:
    """The searched values in the space's order, shape (dimensions,); whole ones as 0 and 1."""
    values = [theta[dimension.name] - _WHOLE_LOW * (dimension.name in WHOLE) for dimension in space.dimensions]
    return np.array(values, dtype=np.float64)
