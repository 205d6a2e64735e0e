"""Seeds for the draws of one choice, independent of each other: equal seeds would draw the same points twice."""

from __future__ import annotations

import numpy as np


def streams(seed: int, count: int) -> list[int]:
    """`count` seeds of 32 bits; the first ones do not depend on how many are asked for."""
    return [int(child.generate_state(1, np.uint32)[0]) for child in np.random.SeedSequence(seed).spawn(count)]
