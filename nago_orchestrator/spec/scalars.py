"""Single values of the study file: numbers, booleans, sizes and durations with their units, known words.

Each is an annotated type for the sections' fields. A reader takes what YAML gave (int, float, bool, str or None) and
returns the value or raises a PydanticCustomError with the rest of a sentence that begins with the key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from nago_orchestrator.formatting.suggestions import suggestion

MAXIMAL_WHOLE = 2**63 - 1
_BYTES = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhd])\s*")
_DURATION = re.compile(f"(?:{_DURATION_PART.pattern})+")


def describe(value: Any) -> str:
    """The value as it stands in a sentence: "the string 'seven'", "the number 3", "a list"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {format_number(value)}"
    if isinstance(value, str):
        return f"the string '{value if len(value) <= 60 else value[:57] + '...'}'"
    return "a mapping" if isinstance(value, dict) else "a list"


def format_number(value: float) -> str:
    """As a user would write it: 3 rather than 3.0, 0.05 rather than 0.05000000000000001, 1e+300 as is."""
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def wrong(sentence_end: str, *, do: str | None = None) -> PydanticCustomError:
    """An error whose text continues "KEY", and what to do; braces in user's text must not be taken for placeholders."""
    return PydanticCustomError("study_file", "{sentence_end}", {"sentence_end": sentence_end, "do": do})


def read_whole(value: Any) -> int:
    """4000000, 4e6 and 4.0e6 are integers; 2.5, "3" and true are not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"must be an integer, found {describe(value)}")
    if isinstance(value, float) and not value.is_integer():
        raise wrong(f"must be an integer, found {format_number(value)}")
    if abs(value) > MAXIMAL_WHOLE:
        raise wrong(f"is too large: {format_number(float(value))}")
    return int(value)


def read_real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"must be a number, found {describe(value)}")
    if not math.isfinite(value):
        raise wrong(f"must be a finite number, found {format_number(value)}")
    return float(value)


def read_switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(f"must be true or false, found {describe(value)}")
    return value


def read_text(value: Any) -> str:
    if isinstance(value, (int, float)):
        raise wrong(f"must be a string, found {describe(value)}", do="put it in quotes")
    if not isinstance(value, str) or not value:
        raise wrong(f"must be a string, found {'an empty one' if value == '' else describe(value)}")
    return value


def read_bytes(value: Any) -> float:
    """A number of bytes, or a text with a unit: 60KiB, 1.5 MiB, 40kB."""
    if not isinstance(value, str):
        return read_real(value)
    match = _SIZE.fullmatch(value.strip())
    if match is None or match[2] not in _BYTES:
        raise wrong(f"must be a size such as 60KiB (units: {', '.join(filter(None, _BYTES))}), found {describe(value)}")
    return float(match[1]) * _BYTES[match[2]]


def read_whole_bytes(value: Any) -> int:
    return read_whole(read_bytes(value))


def read_seconds(value: Any) -> float:
    """A number of seconds, or a text with units: 90m, 2h, 1h30m."""
    if not isinstance(value, str):
        return read_real(value)
    if _DURATION.fullmatch(value.strip()) is None:
        raise wrong(f"must be a duration such as 90m or 1h30m (units: s, m, h, d), found {describe(value)}")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(value))


def known_word(what: str, known: tuple[str, ...]) -> Callable[[Any], str]:
    """A reader that takes one of the known words and suggests the nearest for any other."""

    def read(value: Any) -> str:
        text = read_text(value)
        if text not in known:
            raise wrong(f"names an unknown {what} '{text}'", do=suggestion(text, known))
        return text

    return read


Whole = Annotated[int, BeforeValidator(read_whole)]
Real = Annotated[float, BeforeValidator(read_real)]
Switch = Annotated[bool, BeforeValidator(read_switch)]
Text = Annotated[str, BeforeValidator(read_text)]
Seconds = Annotated[
    float,
    BeforeValidator(read_seconds),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]}),
]
ByteCount = Annotated[
    int,
    BeforeValidator(read_whole_bytes),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": f"^{_SIZE.pattern}$"}]}),
]
