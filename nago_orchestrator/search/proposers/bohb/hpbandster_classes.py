"""The three classes of HpBandSter that we use, imported in two thirds of the time.

HpBandSter imports `statsmodels.api`, which loads time series, formulas and datasets, for one class of
`statsmodels.nonparametric`. During this import alone a module with just that class stands in its place; resuming a
study from the command line waits for this. The only file that imports hpbandster.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from statsmodels.nonparametric import kernel_density

_WHOLE = "statsmodels.api"


@contextmanager
def _density_estimation_alone() -> Iterator[None]:
    if _WHOLE in sys.modules:
        yield
        return
    part = ModuleType(_WHOLE)
    part.nonparametric = kernel_density  # type: ignore[attr-defined]  # a module takes any attribute
    sys.modules[_WHOLE] = part
    try:
        yield
    finally:
        del sys.modules[_WHOLE]


with _density_estimation_alone():
    from hpbandster.core.dispatcher import Job
    from hpbandster.optimizers.config_generators.bohb import BOHB
    from hpbandster.optimizers.iterations import SuccessiveHalving

__all__ = ["BOHB", "Job", "SuccessiveHalving"]
