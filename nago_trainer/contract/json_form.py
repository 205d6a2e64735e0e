"""The JSON form of the contract's values: NaN and infinity travel as strings, because JSON has no numbers for them."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields
from typing import Any, TypeVar

_T = TypeVar("_T")


class ContractError(ValueError):
    """A task or a report does not have the agreed form."""


def encode_number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def encode(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (float, dict, list, tuple)):
        return value
    if isinstance(value, float):
        return encode_number(value)
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return [encode(item) for item in value]


def build(kind: type[_T], data: Any) -> _T:
    if not isinstance(data, dict):
        raise ContractError(f"{kind.__name__} needs an object, not {type(data).__name__}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # every caller passes a dataclass
    needed = {name for name, item in known.items() if item.default is MISSING}
    missing, unknown = needed - data.keys(), data.keys() - known.keys()
    if missing or unknown:
        raise ContractError(f"{kind.__name__}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    values = {name: _decode(value, known[name].type) for name, value in data.items()}
    return kind(**values)


def _decode(value: Any, annotation: Any) -> Any:
    return float(value) if annotation == "float" and isinstance(value, (str, int)) else value
