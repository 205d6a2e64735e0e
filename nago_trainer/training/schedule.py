"""The learning rate over a trial."""

from __future__ import annotations

import math


def cosine_learning_rate(first: float, step: int, steps: int) -> float:
    """first/2 * (1 + cos(pi * step / steps)): `first` at step 0, zero at step `steps`.

    Loshchilov and Hutter, SGDR, 2017, equation 5, without restarts.
    """
    return first * 0.5 * (1.0 + math.cos(math.pi * step / steps))
