"""What stays in memory from the forward to the backward pass of a training step, with and without recomputation.

With recomputation, tensors that are cheap to compute (normalisations, relus, merges, poolings to a smaller size) are
not kept: the backward pass computes them again from those that are, above all the outputs of convolutions. `recompute`
of the network package goes by these answers.
"""

from __future__ import annotations

from nago_trainer.architecture.plan.lifetimes import overwriting_relus
from nago_trainer.architecture.plan.plan import Kind, Operation, Plan

_FLOAT_BYTES = 4

KEEP_INPUTS = frozenset(
    {Kind.CONV, Kind.BATCH_NORM, Kind.AVERAGE_POOL, Kind.DOWNSAMPLE, Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM, Kind.LINEAR}
)
"""Whose gradients need what they have read."""
KEEP_OUTPUT = frozenset({Kind.RELU})
VIEW = frozenset({Kind.DROPOUT})
"""Whose output is the input itself."""
RECOMPUTED = frozenset(
    {Kind.BATCH_NORM, Kind.RELU, Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM, Kind.MEAN, Kind.CONCAT, Kind.DOWNSAMPLE}
)
"""Cheap beside a convolution. A pooling node is none of them: chains of such nodes would be computed over and over."""


def kept_for(operation: Operation) -> tuple[int, ...]:
    """The tensors that the operation's gradient needs."""
    if operation.kind in KEEP_INPUTS:
        return operation.inputs
    return (operation.output,) if operation.kind in KEEP_OUTPUT else ()


def first_users(plan: Plan) -> dict[int, int]:
    """Of each tensor that is kept although others are recomputed: the first operation whose gradient needs it.

    Of it, or of what is computed from it. The backward pass comes to that operation last.
    """
    origins: list[frozenset[int]] = [frozenset({tensor}) for tensor in range(len(plan.tensors))]
    users: dict[int, int] = {}
    for number, operation in enumerate(plan.operations):
        if operation.kind in RECOMPUTED:
            origins[operation.output] = frozenset().union(*[origins[tensor] for tensor in operation.inputs])
        for tensor in kept_for(operation):
            for origin in origins[tensor]:
                users.setdefault(origin, number)
    return users


def kept_bytes_per_sample(plan: Plan, *, recompute: bool) -> int:
    """What autograd keeps for each sample, and the logits; at fp32. The image is the caller's and does not count."""
    sizes = [shape.elements for shape in plan.tensors]
    kept = set(first_users(plan)) if recompute else _kept_by_autograd(plan)
    blocks = memory_blocks(plan)
    held = {blocks[tensor] for tensor in (*kept, plan.operations[-1].output)} - {0}
    return _FLOAT_BYTES * (sum(sizes[block] for block in held) + _attention_numbers(plan))


def memory_blocks(plan: Plan) -> list[int]:
    """The block of memory in which each tensor lies, named by the first tensor in it."""
    blocks = list(range(len(plan.tensors)))
    overwriting = overwriting_relus(plan)
    for number, operation in enumerate(plan.operations):
        if number in overwriting or operation.kind in VIEW:
            blocks[operation.output] = blocks[operation.inputs[0]]
    return blocks


def _kept_by_autograd(plan: Plan) -> set[int]:
    return {tensor for operation in plan.operations for tensor in kept_for(operation)}


def _attention_numbers(plan: Plan) -> int:
    """Attention keeps the weights and means of its inputs too, either way."""
    return sum(
        len(operation.inputs) * (1 + plan.tensors[operation.output].channels)
        for operation in plan.operations
        if operation.kind is Kind.ATTENTION_SUM
    )
