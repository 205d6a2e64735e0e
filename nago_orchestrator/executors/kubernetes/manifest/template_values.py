"""Single values of a pod template: their shape, and the Secrets that no trainer may read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.template_rules import (
    Among,
    AtLeast,
    Fixed,
    Holding,
    Only,
    Refused,
    Rule,
    Secret,
    Shape,
    Unless,
)

OWN_SECRETS = re.compile(r"nago-.*|.*-t\d{5,}-a\d+(-.*)?")
"""Those of an installation, and those of attempts."""


def shape_fault(rule: Rule, value: Any) -> str | None:
    """None for a value of the rule's shape, and for one that is absent."""
    shape = _shape_of(rule)
    if value is None or shape is None or _SHAPES[shape](value):
        return None
    return f"must be {shape}"


def is_needed(rule: Rule) -> bool:
    """Whether the field must be there, also in a part that NAGO has not built."""
    return isinstance(rule, Holding) or (isinstance(rule, Only) and rule.needed)


def value_fault(rule: Rule, value: Any, own_secret: str) -> str | None:
    """Why a value of the right shape, or the absence of what was there, is not known to be good; else None."""
    if value is None and not isinstance(rule, Fixed) and not is_needed(rule):
        return None
    match rule:
        case Refused(why) | Fixed(_, why):
            return why
        case Only(values, why):
            fits = any(value is known or (isinstance(known, str) and value == known) for known in values)
            return None if fits else why or f"must be {_choice(values)}"
        case AtLeast(low, why):
            return why if value < low else None
        case Unless(pattern, why):
            return why if pattern.fullmatch(value) else None
        case Holding() | Among():
            return _list_fault(rule, value or [])
        case Secret() if value == own_secret or OWN_SECRETS.fullmatch(value):
            return f"reads the Secret {value}, which is NAGO's own"
    return None


def _list_fault(rule: Holding | Among, texts: list[str]) -> str | None:
    if isinstance(rule, Holding):
        return None if rule.text in texts else f"must contain {rule.text}"
    return None if set(texts) <= set(rule.values) else f"may contain only {_choice(rule.values)}"


def _choice(values: tuple[Any, ...]) -> str:
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _shape_of(rule: Rule) -> Shape | None:
    match rule:
        case Shape():
            return rule
        case Fixed(shape, _):
            return shape
        case AtLeast():
            return Shape.NUMBER
        case Unless() | Secret():
            return Shape.TEXT
        case Holding() | Among():
            return Shape.TEXTS
        case Only(values):
            return Shape.FLAG if isinstance(values[0], bool) else Shape.TEXT
        case _:
            return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_quantity(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _mapping_to(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, Mapping) and all(isinstance(key, str) and fits(item) for key, item in value.items())
    )


_SHAPES: Mapping[Shape, Callable[[Any], bool]] = {
    Shape.TEXT: _is_text,
    Shape.TEXTS: _list_of(_is_text),
    Shape.NUMBER: _is_number,
    Shape.NUMBERS: _list_of(_is_number),
    Shape.FLAG: lambda value: isinstance(value, bool),
    Shape.PORT: lambda value: _is_text(value) or _is_number(value),
    Shape.QUANTITY: _is_quantity,
    Shape.QUANTITIES: _mapping_to(_is_quantity),
    Shape.LABELS: _mapping_to(_is_text),
}
