"""The authors' network, built by their own code: the package `noah-vega`, which nothing else here needs.

`pip download --no-deps noah-vega` gives a wheel; unpacked or not, its path is all that is wanted. The package's own
imports need half a dozen heavy libraries, so the modules of the network are loaded alone, beside stand-ins for its
registry.
"""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from torch import nn

_PACKAGES = ("networks", "networks.pytorch", "networks.pytorch.heads", "networks.pytorch.customs", "modules")
_NETWORK = "networks.pytorch.customs.nago"
HOW_TO_GET_IT = "pip download --no-deps --dest FOLDER noah-vega==1.8.5, then give FOLDER or the wheel in it"


class OfficialCodeMissingError(Exception):
    """There is no such package at the path."""


def official_network(
    path: Path, graphs: Mapping[str, float], *, image_size: int, classes: int, limit: int
) -> nn.Module:
    """The network of the authors' generator for a θ of NAGO's names, with equal stages and channels 1, 2, 4.

    Their generator draws the same network for a θ every time. Raises OfficialCodeMissingError.
    """
    settings: dict[str, float] = {
        "G1_nodes": graphs["top_nodes"],
        "G1_K": graphs["top_k"],
        "G1_P": graphs["top_p"],
        "G2_nodes": graphs["mid_nodes"],
        "G2_P": graphs["mid_p"],
        "G3_nodes": graphs["bottom_nodes"],
        "G3_K": graphs["bottom_k"],
        "G3_P": graphs["bottom_p"],
        "n_param_limit": limit,
        "image_size": image_size,
        "num_classes": classes,
    }
    for stage, channels in ((1, 1), (2, 2), (3, 4)):
        settings |= {f"ch{stage}_ratio": channels, f"stage{stage}_ratio": 1 / 3}
    return cast(nn.Module, _load(path).NAGO(**settings))


def _load(path: Path) -> Any:
    root = _package(path)
    if "vega" not in sys.modules:
        _stand_in("vega", root)
        for name in _PACKAGES:
            _stand_in(f"vega.{name}", root / name.replace(".", "/"))
        _stand_in("vega.common", root).__dict__.update(ClassFactory=_Registry, ClassType=_Registry)
        _stand_in("vega.modules.module", root).__dict__.update(Module=_Module)
    return importlib.import_module(f"vega.{_NETWORK}")


def _package(path: Path) -> Path:
    wheels = [path] if path.suffix == ".whl" else sorted(path.glob("noah_vega-*.whl"))
    if wheels and wheels[0].is_file():
        unpacked = wheels[0].with_suffix("")
        if not unpacked.is_dir():
            with zipfile.ZipFile(wheels[0]) as wheel:
                wheel.extractall(unpacked, [name for name in wheel.namelist() if name.startswith("vega/networks/")])
        path = unpacked
    root = path / "vega"
    if not (root / "networks/pytorch/customs/nago.py").is_file():
        raise OfficialCodeMissingError(f"no package noah-vega in {path}: {HOW_TO_GET_IT}")
    return root


def _stand_in(name: str, folder: Path) -> ModuleType:
    """A package whose own `__init__` never runs; modules in its folder are found."""
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module
    return module


class _Registry:
    NETWORK = "network"

    @staticmethod
    def register(_kind: str) -> Any:
        return lambda registered: registered


class _Module(nn.Module):
    def __init__(self, *_arguments: Any, **_settings: Any) -> None:
        super().__init__()
