"""Bytes that a network's forward pass leaves in memory for the backward pass, by looking at what is there."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def kept_bytes(network: nn.Module, images: Tensor) -> int:
    """Of all that the forward pass has allocated, what is still there after it: the logits among it.

    Counted by blocks of memory and not by torch's hooks on saved tensors, since only the innermost hooks see a tensor.
    """
    with _Allocations() as allocations:
        logits = network(images)
    kept: int = allocations.bytes_alive()
    del logits
    return kept


class _Allocations(TorchDispatchMode):  # type: ignore[no-untyped-call]  # of torch
    """The blocks of memory of all that torch's operations have returned."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of torch
        self._blocks: dict[weakref.ref[Any], int] = {}

    def bytes_alive(self) -> int:
        alive: dict[int, int] = {
            storage._cdata: size for block, size in self._blocks.items() if (storage := block()) is not None
        }
        return sum(alive.values())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                storage = each.untyped_storage()
                self._blocks[weakref.ref(storage)] = storage.nbytes()
        return made
