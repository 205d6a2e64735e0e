"""Finds the batch size that fits into the device's memory, by halving."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from nago_trainer.errors import InfeasibleError
from nago_trainer.log import log

_T = TypeVar("_T")

CPU_REFUSALS = ("can't allocate memory", "not enough memory")
ONE_IMAGE_REFUSAL = "Expected more than 1 value per channel"
"""Batch normalisation of feature maps of one pixel: torch's words."""


def within_memory(attempt: Callable[[int], _T], batch_size: int, smallest: int = 1) -> _T:
    """`attempt(batch size)`, repeated at half the batch size each time that it runs out of memory.

    Raises InfeasibleError where the smallest batch does not fit.
    """
    while (done := _unless_out_of_memory(attempt, batch_size)) is None:
        _release_memory()
        if batch_size <= smallest:
            raise InfeasibleError(f"the network does not fit into the device's memory, even with batch size {smallest}")
        log(f"out of memory with batch size {batch_size}: trying {max(smallest, batch_size // 2)}")
        batch_size = max(smallest, batch_size // 2)
    return done


def is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CPU_REFUSALS)


def _unless_out_of_memory(attempt: Callable[[int], _T], batch_size: int) -> _T | None:
    """None: out of memory, and nothing holds on to any."""
    try:
        return attempt(batch_size)
    except ValueError as error:
        if batch_size == 1 and ONE_IMAGE_REFUSAL in str(error):
            raise InfeasibleError(
                "the network reduces images to one pixel and cannot be trained with batch size 1"
            ) from error
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _release_memory() -> None:
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch gives it no types
        torch.cuda.empty_cache()
