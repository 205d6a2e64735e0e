"""How long the tensors of a plan are needed in the forward pass, and which may be overwritten.

`network` releases and overwrites by these answers and `memory` counts by them, so the two cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from nago_trainer.architecture.plan.plan import Kind, Plan

_OVERWRITE = frozenset({Kind.RELU})
_NEED_THEIR_OUTPUT = frozenset({Kind.RELU, Kind.DROPOUT})
"""Whose output must stay: the backward pass of relu reads it, and dropout at rate 0 hands on its input itself."""


def last_readers(plan: Plan) -> tuple[tuple[int, ...], ...]:
    """For each operation, the tensors that no later operation reads: they can go once it is done.

    The image belongs to the caller and the logits are the result; neither is ever listed.
    """
    last = {tensor: index for index, operation in enumerate(plan.operations) for tensor in operation.inputs}
    last.pop(0, None)
    ending: list[list[int]] = [[] for _ in plan.operations]
    for tensor, index in last.items():
        ending[index].append(tensor)
    return tuple(map(tuple, ending))


def overwriting_relus(plan: Plan) -> frozenset[int]:
    """Indices of the relus that may write over their input.

    Safe where the relu is the input's only reader and the operation that made the input does not need it for its own
    gradient: conv, batch norm, pooling and merges need only what they read.
    """
    readers = Counter(chain.from_iterable(operation.inputs for operation in plan.operations))
    free = {operation.output for operation in plan.operations if operation.kind not in _NEED_THEIR_OUTPUT}
    return frozenset(
        index
        for index, operation in enumerate(plan.operations)
        if operation.kind in _OVERWRITE and operation.inputs[0] in free and readers[operation.inputs[0]] == 1
    )
