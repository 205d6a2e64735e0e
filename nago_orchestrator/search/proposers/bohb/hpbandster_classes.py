"""The three classes of HpBandSter that we use, imported in two thirds of the time.

HpBandSter imports `statsmodels.api`, which loads pandas, time series, formulas and datasets, for one class. During
this import alone a module with our own form of that class (`kernel_density.py`) stands in its place; resuming a study
from the command line waits for this. The only file that imports hpbandster.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from nago_orchestrator.search.proposers.bohb import kernel_density

_WHOLE = "statsmodels.api"


@contextmanager
def _own_kernel_density() -> Iterator[None]:
    whole = sys.modules.get(_WHOLE)
    part = ModuleType(_WHOLE)
    part.nonparametric = kernel_density  # type: ignore[attr-defined]  # a module takes any attribute
    sys.modules[_WHOLE] = part
    try:
        yield
    finally:
        del sys.modules[_WHOLE]
        if whole is not None:
            sys.modules[_WHOLE] = whole


with _own_kernel_density():
    from hpbandster.core.dispatcher import Job
    from hpbandster.optimizers.config_generators.bohb import BOHB
    from hpbandster.optimizers.iterations import SuccessiveHalving

__all__ = ["BOHB", "Job", "SuccessiveHalving"]
