"""Imports parts of torchvision, also beside a torch whose build its compiled part does not fit.

A torchvision built for CUDA beside a CPU build of torch cannot load its compiled operators, and its Python part then
fails at import because it registers gradients and shapes for two of them. What is used here needs none of them, so the
two operators are declared, without an implementation, and the import is tried again.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from types import ModuleType
from typing import Any

from nago_trainer.errors import TaskError

SCHEMAS = ("nms", "qnms")
_declared: list[Any] = []
"""torch forgets an operator's declaration with the object that made it."""


def import_torchvision_datasets() -> ModuleType:
    """Raises TaskError where torchvision is not installed."""
    return _import("torchvision.datasets", "CIFAR needs")


@cache
def import_torchvision_transforms() -> ModuleType:
    """Raises TaskError where torchvision is not installed."""
    return _import("torchvision.transforms.v2", "mixup, cutmix and RandAugment need")


def _import(name: str, who: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise TaskError(
            f"{who} the package torchvision, which is not installed", do="pip install torchvision"
        ) from error
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    _forget_failed_import()
    _declare_operators()
    return importlib.import_module(name)


def _forget_failed_import() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare_operators() -> None:
    import torch  # here, because only few trainings need it

    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]  # torch gives it no types
    for name in SCHEMAS:
        schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]  # torch gives it no types
    _declared.append(library)
