"""A study's own objective: a function that somebody else wrote, named as `package.module:function`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nago_trainer.contract.reports import LARGEST_CUSTOM
from nago_trainer.errors import ObjectiveError

CustomObjective = Callable[[NDArray[np.int64], NDArray[np.float32]], float]
"""From labels [N] and logits [N, K] of all images that a network is measured on."""


def load_objective(name: str) -> CustomObjective:
    """Raises ObjectiveError if it cannot be imported or is not a function."""
    module, _, function = name.partition(":")
    try:
        found: Any = getattr(import_module(module), function)
    except Exception as error:  # whatever a foreign module does while it is imported
        raise ObjectiveError(
            f"cannot load the objective: {type(error).__name__}: {error}",
            where=name,
            do="install its package where trials run, or put its folder on PYTHONPATH",
        ) from error
    if not callable(found):
        raise ObjectiveError("the objective is not a function", where=name)
    return found  # type: ignore[no-any-return]  # of a module that is not known before


def value_of(objective: CustomObjective, name: str, labels: NDArray[np.int64], logits: NDArray[np.float32]) -> float:
    """Raises ObjectiveError for an exception of the function and for anything but a number from 0 to LARGEST_CUSTOM."""
    try:
        value = float(objective(labels.copy(), logits.copy()))
    except Exception as error:  # a foreign function
        raise ObjectiveError(f"the objective failed: {type(error).__name__}: {error}", where=name) from error
    if not 0 <= value <= LARGEST_CUSTOM:  # NaN neither
        raise ObjectiveError(
            f"the objective returned {value}; it must be a finite number from 0 to {LARGEST_CUSTOM:,}", where=name
        )
    return value
