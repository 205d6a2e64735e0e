"""Where and in which precision the surrogate computes: the one place that says so to JAX.

On the processor, also where there is a GPU, which is the trainers'. In float32: normalised costs are told apart down to
a hundredth of their deviation, which leaves five digits, at half the time of float64. Both hold within the context
alone: what other users of JAX in the same process have set stays, and does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def on_processor() -> Iterator[None]:
    with jax.default_device(jax.devices("cpu")[0]), jax.enable_x64(False):
        yield
