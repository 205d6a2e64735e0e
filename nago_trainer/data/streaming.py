"""The pixels of one batch after the other. Those that do not lie on the device are read ahead by threads.

What is read ahead decides no result: batches come in their order, and whatever is random is drawn later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from torch import Tensor

from nago_trainer.data.splits import Examples

READERS = 2
"""Threads: one may wait for the storage while another compares checksums."""
AHEAD = 3
"""Batches that are being read or wait for their step."""


def in_turn(examples: Examples, batches: Sequence[Tensor | slice]) -> Generator[Tensor]:
    """Bytes [B, C, S, S] of each batch of positions. Close it unless it has come to its end. Raises StorageError."""
    if examples.store is None:
        yield from map(examples.at, batches)
        return
    pool = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="read images")
    try:
        begun: deque[Future[Tensor]] = deque()
        for batch in batches:
            begun.append(pool.submit(examples.read, batch))
            if len(begun) > AHEAD:
                yield begun.popleft().result().to(examples.labels.device)
        while begun:
            yield begun.popleft().result().to(examples.labels.device)
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(examples: Examples, batch_size: int) -> Generator[tuple[Tensor, Tensor]]:
    """Labels and pixels, batch by batch. Close it unless it has come to its end. Raises StorageError."""
    parts: list[Tensor | slice] = [
        slice(start, start + batch_size) for start in range(0, len(examples.labels), batch_size)
    ]
    with closing(in_turn(examples, parts)) as images:
        for part, pixels in zip(parts, images, strict=True):
            yield examples.labels[part], pixels
