"""The trial's one seed becomes one seed for each purpose, so that no draw shifts another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    network: int
    """Its first weights."""
    dropout: int
    order: int
    """Of the training images."""
    augmentation: int


def derive_seeds(seed: int) -> Seeds:
    """The same on every machine: `numpy.random.SeedSequence` is specified to the bit."""
    words = np.random.SeedSequence(seed).generate_state(4, np.uint64)
    network, dropout, order, augmentation = (int(word) >> 1 for word in words)  # torch wants them signed
    return Seeds(network=network, dropout=dropout, order=order, augmentation=augmentation)
