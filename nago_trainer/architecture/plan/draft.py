"""A blueprint in the making: appends primitive operations, merges and blocks. Used by assemble.py alone.

Relu and downsampling of one tensor are computed once and shared by all who read them.
"""

from __future__ import annotations

from collections.abc import Sequence

from nago_trainer.architecture.plan.blueprint import Channels
from nago_trainer.architecture.plan.plan import Kind, Operation
from nago_trainer.architecture.theta import MERGES

_MERGES = {name: Kind(name) for name in MERGES}


class Draft:
    """Tensors are named by their index; tensor 0 is the image."""

    def __init__(self, channels: Channels, size: int) -> None:
        self.operations: list[Operation] = []
        self.channels: list[Channels] = [channels]
        self.sizes: list[int] = [size]
        self._shared: dict[tuple[Kind, int, int], int] = {}

    def append(
        self,
        kind: Kind,
        inputs: tuple[int, ...],
        *,
        channels: Channels | None = None,
        size: int | None = None,
        kernel: int = 1,
        stride: int = 1,
    ) -> int:
        """The new output tensor; channels and size are the first input's unless given."""
        output = len(self.channels)
        self.channels.append(self.channels[inputs[0]] if channels is None else channels)
        self.sizes.append(self.sizes[inputs[0]] if size is None else size)
        self.operations.append(Operation(kind, inputs, output, kernel, stride))
        return output

    def relu(self, tensor: int) -> int:
        return self._share(Kind.RELU, tensor, self.sizes[tensor])

    def downsample(self, tensor: int, size: int) -> int:
        """The tensor itself where it has the size already."""
        return tensor if self.sizes[tensor] == size else self._share(Kind.DOWNSAMPLE, tensor, size)

    def conv_norm(self, tensor: int, channels: Channels, kernel: int, stride: int = 1) -> int:
        size = -(-self.sizes[tensor] // stride)
        convolved = self.append(Kind.CONV, (tensor,), channels=channels, size=size, kernel=kernel, stride=stride)
        return self.append(Kind.BATCH_NORM, (convolved,))

    def basic(self, name: str, tensor: int) -> int:
        """One of the generator's operations: relu, conv, batch norm; or average pooling."""
        kernel = int(name[-1])
        if name.startswith("pool"):
            return self.append(Kind.AVERAGE_POOL, (tensor,), kernel=kernel)
        return self.conv_norm(self.relu(tensor), self.channels[tensor], kernel)

    def merge(self, tensors: Sequence[int], strategy: str, channels: Channels) -> int:
        """Tensors of one size into one of the given channels.

        One tensor needs no merging and has no gate. Sums match the channels of each input by a 1×1 convolution
        first; concatenation does it by the 1×1 convolution behind it, which every input passes anyway.
        """
        if len(tensors) == 1:
            return self.project(tensors[0], channels)
        kind = _MERGES[strategy]
        if kind is Kind.CONCAT:
            total = tuple(sorted(symbol for tensor in tensors for symbol in self.channels[tensor]))
            return self.project(self.append(kind, tuple(tensors), channels=total), channels)
        return self.append(kind, tuple([self.project(tensor, channels) for tensor in tensors]))

    def mean(self, tensors: Sequence[int]) -> int:
        return tensors[0] if len(tensors) == 1 else self.append(Kind.MEAN, tuple(tensors))

    def project(self, tensor: int, channels: Channels) -> int:
        """A plain 1×1 convolution, where the channels differ for every width."""
        if self.channels[tensor] == channels:
            return tensor
        return self.append(Kind.CONV, (tensor,), channels=channels)

    def _share(self, kind: Kind, tensor: int, size: int) -> int:
        key = (kind, tensor, size)
        output = self._shared.get(key)
        if output is None:
            output = self._shared[key] = self.append(kind, (tensor,), size=size)
        return output
