"""Numbers as people read them; used by the report and by the command line's tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


def percent(value: float) -> str:
    """0.9731 as "97.31 %"."""
    return f"{100 * value:.2f} %" if math.isfinite(value) else str(value)


def count(value: float) -> str:
    """1234567 as "1,234,567"."""
    return f"{value:,.0f}" if math.isfinite(value) else str(value)


def number(value: float) -> str:
    """Four significant digits; integers in full."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e6):
        return f"{value:.0f}"
    return f"{value:.4g}"


def size(value: float) -> str:
    """Bytes in decimal units: 1530000 as "1.53 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def duration(seconds: float) -> str:
    """3725 as "1 h 2 min"; below a minute with one decimal."""
    if not math.isfinite(seconds):
        return str(seconds)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def moment(value: datetime | str) -> str:
    """A time to the second, in the zone it carries."""
    when = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{when:%Y-%m-%d %H:%M:%S %Z}".rstrip()


@dataclass(frozen=True, slots=True)
class Unit:
    show: Callable[[float], str]
    """One value, with its unit."""
    of_axis: str | None = None
    """In the title of an axis."""
    as_percent: bool = False


UNITS: Mapping[str, Unit] = {
    "accuracy": Unit(percent, as_percent=True),
    "error": Unit(percent, as_percent=True),
    "loss": Unit(number, "nats"),
    "memory": Unit(lambda value: f"{size(value)}/sample", "bytes per sample"),
    "parameters": Unit(count),
    "flops": Unit(count),
    "seconds": Unit(duration, "s"),
    "balanced_accuracy": Unit(percent, as_percent=True),
    "macro_f1": Unit(percent, as_percent=True),
    "top_5": Unit(percent, as_percent=True),
    "worst_class": Unit(percent, as_percent=True),
    "custom_score": Unit(number),
    "custom_cost": Unit(number),
}
"""Of each objective by its name."""


def objective(name: str, value: float) -> str:
    """The value of an objective in its unit."""
    return UNITS[name].show(value)
