"""Bytes of device memory that one more sample in the batch costs in training, from the plan alone.

The figure is the slope, over the batch size, of the highest total of all allocated tensors during one training step
at fp32: forward, cross-entropy, backward, an SGD step. What does not grow with the batch (parameters, their gradients,
the optimiser's state) is no part of it. It is found by going through the step as PyTorch does and writing down how the
total changes: up where a block of memory is allocated, down where the last who holds it lets go:

* Forward: an operation's output is allocated; autograd keeps what its gradient needs (`_first_keepers`); a tensor
  goes once nobody reads it any more and autograd does not keep it (the order of release is `lifetimes.last_readers`).
* Backward: the engine takes the operations in the reverse order of their execution. Each allocates the gradients of
  its inputs, and then lets go of its own gradient and of what was kept for it. Where a tensor had several readers
  their gradients are added up, two at a time, into a new tensor.

Every tensor but the image is taken to depend on parameters, as in all that `assemble` makes: only convolutions read the
image. Images and labels of the batch count, for they lie on the device. The figure agrees with PyTorch's own accounting
(`torch.distributed._tools.mem_tracker.MemTracker` over fake tensors) from batches on that are large enough for
activations to outweigh the optimiser's step. It cannot see what happens below the tensors: workspaces of cuDNN, which
depend on the algorithm and may be as large as a convolution's tensors; the allocator's rounding and fragmentation; the
context of the device. Nor does it know of mixed precision, channels-last copies or a compiler's fusion, and dropout
counts as if its rate were 0. Untracked, the engine adds up gradients in place where it can, which would matter only
if the peak fell into such an addition: it did in none of 200 random networks.

The orchestrator calls it for each sampled architecture, before any training.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from nago_trainer.architecture.plan.kept import KEEP_INPUTS, KEEP_OUTPUT, memory_blocks
from nago_trainer.architecture.plan.lifetimes import last_readers
from nago_trainer.architecture.plan.plan import Kind, Operation, Plan

_FLOAT_BYTES = 4
_LABEL_BYTES = 8

# Sets even of one kind: to look into one takes a fraction of the time that reading an enum's member takes.
_HAND_ON = frozenset({Kind.CONCAT, Kind.DROPOUT})
"""Whose inputs get (views of) the output's gradient itself."""
_SHARE = frozenset({Kind.MEAN})
"""Whose inputs get one gradient together."""
_ATTEND = frozenset({Kind.ATTENTION_SUM})


def bytes_per_sample(plan: Plan) -> int:
    """Growth of the training peak per sample, in bytes at fp32; see the module's docstring for what it leaves out."""
    sizes = [shape.elements for shape in plan.tensors]
    blocks = memory_blocks(plan)
    released = _releases(plan, sizes, blocks)
    logits = sizes[plan.operations[-1].output]
    # Cross-entropy: the logarithms of the probabilities, the gradient behind them, the gradient of the logits.
    loss = [logits, logits, logits, -2 * logits]
    changes = [sizes[0], *_forward(plan, sizes, blocks, released.forward), *loss]
    changes += _backward(plan, sizes, released.backward)
    return max(accumulate(changes)) * _FLOAT_BYTES + _LABEL_BYTES


@dataclass(frozen=True, slots=True)
class _Releases:
    """How many numbers of the forward pass each operation is the last to hold."""

    forward: list[int]
    """Gone once the operation is done."""
    backward: list[int]
    """Kept by autograd, and gone once the operation is differentiated."""


def _releases(plan: Plan, sizes: list[int], blocks: list[int]) -> _Releases:
    """Image and logits are in no one's list: the caller has them to the end."""
    last_reader = {blocks[tensor]: number for number, ending in enumerate(last_readers(plan)) for tensor in ending}
    keepers = _first_keepers(plan, blocks)
    forward, backward = [0] * len(plan.operations), [0] * len(plan.operations)
    for block, reader in last_reader.items():
        if block in keepers:
            backward[keepers[block]] += sizes[block]
        else:
            forward[reader] += sizes[block]
    return _Releases(forward, backward)


def _first_keepers(plan: Plan, blocks: list[int]) -> dict[int, int]:
    """Of each block that autograd keeps: the first operation with a use for it, which is the last in the way back."""
    keepers: dict[int, int] = {}
    for number, operation in enumerate(plan.operations):
        if operation.kind in KEEP_INPUTS:
            for tensor in operation.inputs:
                keepers.setdefault(blocks[tensor], number)
        elif operation.kind in KEEP_OUTPUT:
            keepers.setdefault(blocks[operation.output], number)
    return keepers


def _forward(plan: Plan, sizes: list[int], blocks: list[int], released: list[int]) -> list[int]:
    changes: list[int] = []
    for operation, size in zip(plan.operations, released, strict=True):
        output = operation.output
        if operation.kind in _ATTEND:
            changes += _attend(plan, operation)
        if blocks[output] == output:
            changes.append(sizes[output])
        changes.append(-size)
    return changes


def _attend(plan: Plan, operation: Operation) -> list[int]:
    """What attention finds before it sums: the means of its inputs and its weights stay, all else goes at once."""
    scores, means = _attention_sizes(plan, operation)
    products = parts = means
    weights = scores
    return [parts, means, -parts, products, scores, -products, weights, -scores]


def _attention_sizes(plan: Plan, operation: Operation) -> tuple[int, int]:
    """Of one number for each input, and of one for each channel of each input."""
    inputs = len(operation.inputs)
    return inputs, inputs * plan.tensors[operation.output].channels


def _backward(plan: Plan, sizes: list[int], released: list[int]) -> list[int]:
    step = _Backward(plan, sizes)
    for operation, kept in zip(reversed(plan.operations), reversed(released), strict=True):
        step.differentiate(operation, kept)
    return step.changes


class _Block:
    """Memory for the gradients of several tensors, or for one that is handed on."""

    __slots__ = ("holders", "size")

    def __init__(self, size: int, holders: int) -> None:
        self.size = size
        self.holders = holders

    def release(self) -> int:
        """What becomes free when one of the holders lets go: nothing before the last."""
        self.holders -= 1
        return 0 if self.holders else self.size


class _Backward:
    """The gradients on the way back. Each tensor's has a block of its own, but where `_shared` has it."""

    def __init__(self, plan: Plan, sizes: list[int]) -> None:
        self.changes: list[int] = []
        self._plan = plan
        self._sizes = [0, *sizes[1:]]  # The image needs no gradient.
        self._reached: set[int] = set()
        self._shared: dict[int, _Block] = {}

    def differentiate(self, operation: Operation, kept: int) -> None:
        """Allocates the gradients of an operation's inputs, then lets go of its own and of what was kept for it."""
        shared = self._allocate(operation)
        self.changes.append(-self._release(operation.output) - kept)
        for tensor in operation.inputs:
            if tensor in self._reached:
                self._add_up(tensor, shared)
            else:
                self._reached.add(tensor)
                if shared:
                    self._shared[tensor] = shared

    def _allocate(self, operation: Operation) -> _Block | None:
        """One block for all inputs, or None if each has its own."""
        kind, output = operation.kind, operation.output
        if kind in _HAND_ON:
            block = self._shared.setdefault(output, _Block(self._sizes[output], 1))
            block.holders += len(operation.inputs)
            return block
        if kind in _SHARE:
            self.changes.append(self._sizes[output])
            return _Block(self._sizes[output], len(operation.inputs))
        for tensor in operation.inputs:
            self.changes.append(self._sizes[tensor])
        if kind in _ATTEND:
            self.changes += _attend_back(self._plan, operation)
        return None

    def _release(self, tensor: int) -> int:
        return self._shared.pop(tensor).release() if tensor in self._shared else self._sizes[tensor]

    def _add_up(self, tensor: int, shared: _Block | None) -> None:
        """The sum of what was there and of what has come, which both go."""
        size = self._sizes[tensor]
        self.changes += (size, -self._release(tensor) - (shared.release() if shared else size))


def _attend_back(plan: Plan, operation: Operation) -> list[int]:
    """Attention finds the gradients of its weights, scores and means too; they go, as does what was kept."""
    scores, means = _attention_sizes(plan, operation)
    weights = scores
    kept = means + weights
    return [weights, scores, means, -(weights + scores + means), -kept]
