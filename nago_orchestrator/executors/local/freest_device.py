"""Which of a machine's devices the next trial takes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def freest_device(devices: Sequence[str], occupied: Iterable[str]) -> str:
    """The one with the fewest trials; of several, the one that is named first. `occupied`: one device per trial."""
    trials = Counter(occupied)
    return min(devices, key=lambda device: trials[device])
