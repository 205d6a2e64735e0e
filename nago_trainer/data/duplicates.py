"""Images that are in two parts of a dataset: the same file, or one that looks almost the same.

A network that has seen a test image in training is measured too well. Called by `survey`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nago_trainer.contract.error_text import error_text
from nago_trainer.data.images import Pixels
from nago_trainer.data.listing import PART_NAMES, Listing

SIDE = 18
"""Pixels of the side of the image of which the hash is made; four of them are one place."""
LEAST_CONTRAST = 16
"""Of its places: below, all even images would look alike."""
LEAST_STEP = 2
"""Between two places that counts as a difference: below, it is compression."""
MOST_BITS = 7
"""Of the 128, by which images that look almost the same differ."""
NEIGHBOURS = 32
"""With which an image is compared, among those that agree with it in an eighth of the bits."""
NAMED_PAIRS = 3
REMEDY = "remove one of each, or give them one group in a CSV file (trainer.dataset.labels)"


def difference_hash(pixels: Pixels) -> str | None:
    """128 bits, as hexadecimal digits, of [channels, SIDE, SIDE]: where it gets lighter to the right, and downwards.

    None for an image without contrast.
    """
    grey = pixels.astype(np.float64).mean(axis=0).reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3))
    if np.ptp(grey) < LEAST_CONTRAST:
        return None
    to_the_right, downwards = np.diff(grey, axis=1)[:-1] > LEAST_STEP, np.diff(grey, axis=0)[:, :-1] > LEAST_STEP
    return np.packbits(np.stack([to_the_right, downwards])).tobytes().hex()


def duplicate_hints(listing: Listing, digests: Sequence[str], hashes: Sequence[str | None]) -> tuple[str, ...]:
    """Of a listing that is divided; one sentence each."""
    same = tuple(_same(listing, digests))
    alike = [pair for pair in _alike(listing.parts, hashes) if digests[pair[0]] != digests[pair[1]]]
    told = (
        (same, "images are the same file in two parts"),
        (alike, "pairs of images in two parts look almost the same"),
    )
    return tuple(
        error_text(f"{len(pairs):,} {what}: {_named(listing, pairs)}", do=REMEDY) for pairs, what in told if pairs
    )


def _same(listing: Listing, digests: Sequence[str]) -> Iterator[tuple[int, int]]:
    first: dict[str, int] = {}
    for number, digest in enumerate(digests):
        before = first.setdefault(digest, number)
        if listing.parts[before] != listing.parts[number]:
            yield before, number


def _alike(parts: NDArray[np.int8], hashes: Sequence[str | None]) -> list[tuple[int, int]]:
    """Two hashes that differ in seven bits or fewer agree in one of eight equal pieces, by each of which all are
    sorted; then neighbours are compared, which takes time in proportion to the images and misses few."""
    known = np.array([number for number, found in enumerate(hashes) if found is not None], dtype=np.int64)
    if len(known) == 0:
        return []
    whole = np.frombuffer(bytes.fromhex("".join(found for found in hashes if found is not None)), dtype=np.uint8)
    bits, pieces = whole.reshape(-1, 16).view(np.uint64), whole.reshape(-1, 16).view(np.uint16)
    pairs = set[tuple[int, int]]()
    for piece in pieces.T:
        order = np.lexsort((bits[:, 1], bits[:, 0], piece))
        for distance in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
            left, right = order[:-distance], order[distance:]
            near = (piece[left] == piece[right]) & (parts[known[left]] != parts[known[right]])
            left, right = left[near], right[near]
            differing = np.bitwise_count(bits[left] ^ bits[right]).sum(axis=1)
            for one, other in zip(left[differing <= MOST_BITS], right[differing <= MOST_BITS], strict=True):
                pairs.add((min(int(known[one]), int(known[other])), max(int(known[one]), int(known[other]))))
    return sorted(pairs)


def _named(listing: Listing, pairs: Sequence[tuple[int, int]]) -> str:
    def told(number: int) -> str:
        return f"{listing.files[number].relative_to(listing.root)} ({PART_NAMES[listing.parts[number]]})"

    shown = ", ".join(f"{told(one)} and {told(other)}" for one, other in pairs[:NAMED_PAIRS])
    return shown if len(pairs) <= NAMED_PAIRS else f"{shown} and {len(pairs) - NAMED_PAIRS:,} more"
