"""Column types that keep their values exactly on both databases."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Double, Text, TypeDecorator

_NAN = "NaN"


class Float8(TypeDecorator[float]):
    """A double in which NaN and infinity are values.

    SQLite would store NaN as NULL; the text "NaN" stands for it there. Text sorts above every number in SQLite, just as
    NaN does in PostgreSQL, and equals itself in both: comparisons in plain SQL agree.
    """

    impl = Double
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[float | None], Any] | None:
        # Not process_bind_param: the number type beneath would turn the text back into a number.
        return _nan_as_text if dialect.name == "sqlite" else None

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        return None if value is None else float(value)


def _nan_as_text(value: float | None) -> float | str | None:
    return _NAN if value is not None and math.isnan(value) else value


class AwareDateTime(TypeDecorator[datetime]):
    """A moment; goes in aware, comes out in UTC. SQLite keeps the UTC text. Raises ValueError for a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a datetime without a time zone cannot be stored: {value.isoformat()}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CleanText(TypeDecorator[str]):
    """Text of foreign origin, such as log lines: what PostgreSQL refuses (NUL, lone surrogates) becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
