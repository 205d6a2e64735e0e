"""A network as a flat list of primitive operations over tensors with known shapes.

The one description that everything else reads: parameters and FLOPs (cost.py), bytes per sample (memory.py), the
network itself (network.py), drawings. `assemble.build_plan` makes it from an architecture and a width.

Tensor 0 is the image. Operations stand in an order in which they can be executed; every tensor but the image is the
output of exactly one of them, and the last one's output are the logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an operation computes. N inputs only where it says so; otherwise one."""

    CONV = "conv"
    """k×k convolution without bias, padding k // 2, stride `stride`."""
    BATCH_NORM = "batch_norm"
    """With learnt scale and shift."""
    RELU = "relu"
    AVERAGE_POOL = "average_pool"
    """k×k, stride 1, same size; pixels outside the image are left out of the average."""
    DOWNSAMPLE = "downsample"
    """Adaptive average pooling to the output's smaller size."""
    WEIGHTED_SUM = "weighted_sum"
    """Of N inputs of one shape: Σᵢ sigmoid(wᵢ) xᵢ, one learnt scalar wᵢ per input."""
    ATTENTION_SUM = "attention_sum"
    """Of N inputs of one shape: Σᵢ aᵢ xᵢ, a = softmaxᵢ(⟨qᵢ, gᵢ⟩), gᵢ the average of xᵢ over its pixels, one learnt
    vector qᵢ of C channels per input; every sample of a batch for itself."""
    CONCAT = "concat"
    """Of N inputs of one size, along the channels."""
    MEAN = "mean"
    """Of N inputs of one shape, without weights."""
    GLOBAL_POOL = "global_pool"
    """Average over all pixels: size 1."""
    DROPOUT = "dropout"
    """The rate belongs to the training recipe, not to the plan."""
    LINEAR = "linear"
    """With bias, on a tensor of size 1."""


@dataclass(frozen=True, slots=True)
class TensorShape:
    """One sample's feature map: `channels` × `size` × `size`; vectors have size 1."""

    channels: int
    size: int

    @property
    def elements(self) -> int:
        return self.channels * self.size * self.size


@dataclass(frozen=True, slots=True)
class Operation:
    """One step: reads the tensors `inputs`, writes the tensor `output` (indices into `Plan.tensors`)."""

    kind: Kind
    inputs: tuple[int, ...]
    output: int
    kernel: int = 1
    """Side of the window, of conv and average_pool only."""
    stride: int = 1
    """Of conv only; above 1 only in the stem of large images."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All shapes and all operations of one network, for one sample."""

    tensors: tuple[TensorShape, ...]
    operations: tuple[Operation, ...]

    @property
    def image(self) -> TensorShape:
        return self.tensors[0]

    @property
    def classes(self) -> int:
        return self.tensors[self.operations[-1].output].channels
