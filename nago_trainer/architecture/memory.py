"""Bytes of device memory that one more sample in the batch costs in training, from the plan alone.

The figure is the slope, over the batch size, of the highest total of all allocated tensors during one training step
at fp32: forward, cross-entropy, backward, an SGD step. What does not grow with the batch (parameters, their gradients,
the optimiser's state) is no part of it. It is found by going through the step as PyTorch does, keeping count of who
still holds each tensor:

* Forward: an operation's output is allocated; autograd keeps what its gradient needs (`_needed_again`); a tensor
  goes once nobody reads it any more and autograd does not keep it (the order of release is `lifetimes.last_readers`).
* Backward: the engine takes the operations in the reverse order of their execution. Each allocates the gradients of
  its inputs, and then lets go of its own gradient and of what was kept for it. Where a tensor had several readers
  their gradients are added up, two at a time, into a new tensor.

The images and labels of the batch count, for they lie on the device. The figure agrees with PyTorch's own accounting
(`torch.distributed._tools.mem_tracker.MemTracker` over fake tensors) from batches on that are large enough for
activations to outweigh the optimiser's step. It cannot see what happens below the tensors: workspaces of cuDNN, which
depend on the algorithm and may be as large as a convolution's tensors; the allocator's rounding and fragmentation; the
context of the device. Nor does it know of mixed precision, channels-last copies or a compiler's fusion, and dropout
counts as if its rate were 0. Untracked, the engine adds up gradients in place where it can, which would matter only
if the peak fell into such an addition: it did in none of 200 random networks.

The orchestrator calls it for each sampled architecture, before any training.
"""

from __future__ import annotations

from collections.abc import Iterable

from nago_trainer.architecture.lifetimes import last_readers, overwriting_relus
from nago_trainer.architecture.plan import Kind, Operation, Plan

_FLOAT_BYTES = 4
_LABEL_BYTES = 8

_KEEP_INPUTS = frozenset(
    {Kind.CONV, Kind.BATCH_NORM, Kind.AVERAGE_POOL, Kind.DOWNSAMPLE, Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM, Kind.LINEAR}
)
_LEARNT = frozenset({Kind.CONV, Kind.BATCH_NORM, Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM, Kind.LINEAR})
_HAND_ON = frozenset({Kind.CONCAT, Kind.DROPOUT})
"""Whose inputs get (views of) the output's gradient itself."""


def bytes_per_sample(plan: Plan) -> int:
    """Growth of the training peak per sample, in bytes at fp32; see the module's docstring for what it leaves out."""
    return _TrainingStep(plan).peak()


class _Ledger:
    """Blocks of memory, how many hold each, and the most bytes that ever lived at once."""

    def __init__(self) -> None:
        self.peak = 0
        self._live = 0
        self._sizes: list[int] = []
        self._holders: list[int] = []

    def allocate(self, elements: int) -> int:
        """A new block of floating-point numbers, with one holder."""
        size = elements * _FLOAT_BYTES
        self._sizes.append(size)
        self._holders.append(1)
        self._live += size
        self.peak = max(self.peak, self._live)
        return len(self._sizes) - 1

    def hold(self, block: int) -> int:
        self._holders[block] += 1
        return block

    def release(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            self._holders[block] -= 1
            if self._holders[block] == 0:
                self._live -= self._sizes[block]


class _TrainingStep:
    """One step of training: each tensor's block in the forward pass, each gradient's in the backward pass."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ledger = _Ledger()
        self._values: dict[int, int] = {0: self._ledger.allocate(plan.image.elements)}
        self._kept: list[list[int]] = []
        self._gradients: dict[int, int] = {}
        self._with_gradient: set[int] = set()
        """Tensors that parameters have a part in."""

    def peak(self) -> int:
        overwriting = overwriting_relus(self._plan)
        for number, (operation, ending) in enumerate(zip(self._plan.operations, last_readers(self._plan), strict=True)):
            self._compute(operation, overwrite=number in overwriting)
            self._ledger.release(self._values.pop(tensor) for tensor in ending)
        self._loss()
        for operation, kept in zip(reversed(self._plan.operations), reversed(self._kept), strict=True):
            gradients = self._differentiate(operation)
            self._ledger.release(kept)
            for tensor, gradient in gradients:
                self._accumulate(tensor, gradient)
        return self._ledger.peak + _LABEL_BYTES

    def _compute(self, operation: Operation, *, overwrite: bool) -> None:
        inputs = [self._values[tensor] for tensor in operation.inputs]
        kept = self._attend(operation) if operation.kind is Kind.ATTENTION_SUM else []
        if overwrite or operation.kind is Kind.DROPOUT:
            output = self._ledger.hold(inputs[0])
        else:
            output = self._allocate(operation.output)
        self._values[operation.output] = output
        if operation.kind in _LEARNT or not self._with_gradient.isdisjoint(operation.inputs):
            self._with_gradient.add(operation.output)
            kept += [self._ledger.hold(block) for block in _needed_again(operation.kind, inputs, output)]
        self._kept.append(kept)

    def _attend(self, operation: Operation) -> list[int]:
        """Allocates what attention finds before it sums: the means of its inputs and its weights, both kept."""
        channels, inputs = self._plan.tensors[operation.output].channels, len(operation.inputs)
        parts = [self._ledger.allocate(channels) for _ in operation.inputs]
        means = self._ledger.allocate(inputs * channels)
        self._ledger.release(parts)
        products = self._ledger.allocate(inputs * channels)
        scores = self._ledger.allocate(inputs)
        self._ledger.release([products])
        weights = self._ledger.allocate(inputs)
        self._ledger.release([scores])
        return [means, weights]

    def _loss(self) -> None:
        """Cross-entropy: keeps the logarithms of the probabilities; leaves the gradient of the logits."""
        logits = self._plan.operations[-1].output
        logarithms = self._allocate(logits)
        to_logarithms = self._allocate(logits)
        self._gradients[logits] = self._allocate(logits)
        self._ledger.release([to_logarithms, logarithms])

    def _differentiate(self, operation: Operation) -> list[tuple[int, int]]:
        """Allocates the gradients of an operation's inputs, each with one holder, and lets go of its own."""
        if operation.output not in self._gradients:
            return []
        gradient = self._gradients.pop(operation.output)
        inputs = [tensor for tensor in operation.inputs if tensor in self._with_gradient]
        if operation.kind in _HAND_ON:
            blocks = [self._ledger.hold(gradient) for _ in inputs]
        elif operation.kind is Kind.MEAN:
            shared = self._allocate(operation.output)
            blocks = [shared, *(self._ledger.hold(shared) for _ in inputs[1:])]
        else:
            scratch = self._weigh(operation) if operation.kind is Kind.ATTENTION_SUM else []
            blocks = [self._allocate(tensor) for tensor in inputs]
            self._ledger.release(scratch)
        self._ledger.release([gradient])
        return list(zip(inputs, blocks, strict=True))

    def _weigh(self, operation: Operation) -> list[int]:
        """Allocates what the gradient of attention finds on the way: of its weights, its scores and its means."""
        channels, inputs = self._plan.tensors[operation.output].channels, len(operation.inputs)
        return [self._ledger.allocate(inputs * size) for size in (1, 1, channels)]

    def _accumulate(self, tensor: int, gradient: int) -> None:
        if tensor in self._gradients:
            parts = [self._gradients[tensor], gradient]
            gradient = self._allocate(tensor)
            self._ledger.release(parts)
        self._gradients[tensor] = gradient

    def _allocate(self, tensor: int) -> int:
        return self._ledger.allocate(self._plan.tensors[tensor].elements)


def _needed_again(kind: Kind, inputs: list[int], output: int) -> list[int]:
    """The blocks that autograd keeps for the gradient; all other kinds keep shapes at most."""
    if kind is Kind.RELU:
        return [output]
    return inputs if kind in _KEEP_INPUTS else []
