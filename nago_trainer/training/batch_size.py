"""Finds the batch size that fits into the device's memory, by halving. Called by `trial`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import torch

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.errors import InfeasibleError

_Start = Callable[[int], Iterator[EpochRecord]]

CPU_REFUSALS = ("can't allocate memory", "not enough memory")
ONE_IMAGE_REFUSAL = "Expected more than 1 value per channel"
"""Batch normalisation of feature maps of one pixel: torch's words."""


def train_within_memory(start: _Start, batch_size: int) -> Iterator[EpochRecord]:
    """Records of `start(batch size)`, at half the batch size for every time that the first epoch ran out of memory.

    Later epochs need no more memory than the first: if one of them fails, somebody else took it, and the error is
    passed on. Raises InfeasibleError where a batch of one image does not fit.
    """
    while True:
        begun = _begin(start, batch_size)
        if begun is not None:
            first, later = begun
            yield first
            yield from later
            return
        _release()
        if batch_size == 1:
            raise InfeasibleError("the network does not fit into the device's memory, even with one image at a time")
        batch_size //= 2


def is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CPU_REFUSALS)


def _begin(start: _Start, batch_size: int) -> tuple[EpochRecord, Iterator[EpochRecord]] | None:
    """The first epoch's record and the epochs to come, or None: out of memory, and nothing holds on to any."""
    try:
        records = start(batch_size)
        return next(records), records
    except ValueError as error:
        if batch_size == 1 and ONE_IMAGE_REFUSAL in str(error):
            raise InfeasibleError(
                "the network shrinks images to one pixel and cannot train on one at a time"
            ) from error
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _release() -> None:
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch gives it no types
        torch.cuda.empty_cache()
