"""The JSON form of the contract's values: NaN and infinity travel as strings, because JSON has no numbers for them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import NoneType
from typing import Any, TypeVar

_T = TypeVar("_T")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class ContractError(ValueError):
    """A task or a report does not have the agreed form."""


def read_json(text: str | bytes) -> Any:
    """Raises ContractError for whatever is not JSON, is too deep, has too many digits or holds half a character.

    Half a character is a surrogate without its partner: Python reads one, and neither files nor databases take it.
    """
    try:
        found = json.loads(text)
        if _SURROGATE.search(text if isinstance(text, str) else text.decode()):
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except (ValueError, RecursionError) as error:
        raise ContractError("it is not JSON that can be read") from error


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


def encode_known(value: Any) -> dict[str, Any]:
    """A dataclass without the fields that have their default.

    A field that is new since an older version has the default by which that version acts. So the older version can
    read what asks for nothing new, and refuses the unknown key of what does.
    """
    kept = (item for item in fields(value) if getattr(value, item.name) != item.default)
    return {item.name: encode(getattr(value, item.name)) for item in kept}


def build(kind: type[_T], data: Any) -> _T:
    if not isinstance(data, dict):
        raise ContractError(f"{kind.__name__} must be an object, found {type(data).__name__}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # every caller passes a dataclass
    needed = {name for name, item in known.items() if item.default is MISSING}
    missing, unknown = needed - data.keys(), data.keys() - known.keys()
    if missing or unknown:
        raise ContractError(f"{kind.__name__}: missing keys {sorted(missing)}, unknown keys {sorted(unknown)}")
    values = {name: _decode(name, value, str(known[name].type)) for name, value in data.items()}
    return kind(**values)


_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_KINDS: Mapping[str, tuple[type, ...]] = {
    "float": (float,),
    "int": (int,),
    "int | None": (int, NoneType),
    "bool": (bool,),
    "float | None": (float, NoneType),
    "str": (str,),
    "str | None": (str, NoneType),
}
"""By the annotation of a field. What has another annotation is left to the class that has the field."""


def _decode(name: str, value: Any, annotation: str) -> Any:
    decoded = _decode_float(value) if annotation in ("float", "float | None") else value
    allowed = _KINDS.get(annotation)
    # type() and not isinstance(): a bool is an int.
    if allowed is not None and type(decoded) not in allowed:
        raise ContractError(f"{name} must be of type {annotation}, not {type(value).__name__}")
    return decoded


def _decode_float(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_FINITE.get(value, value)
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return value
    return value
