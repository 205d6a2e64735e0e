"""The kinds of decision that `template_table` makes about a field of a pod template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Shape(StrEnum):
    """As a rule: every value of this shape passes."""

    TEXT = "a text"
    TEXTS = "a list of texts"
    NUMBER = "an integer"
    NUMBERS = "a list of integers"
    FLAG = "true or false"
    PORT = "a number or the name of a port"
    QUANTITY = "a quantity such as 500m or 2Gi"
    QUANTITIES = "a mapping of names to quantities"
    LABELS = "a mapping of names to texts"


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of a Secret; passes unless the Secret is NAGO's."""


@dataclass(frozen=True, slots=True)
class Only:
    """These values pass, others do not."""

    values: tuple[Any, ...]
    why: str = ""
    needed: bool = False
    """Whether it must be there, also in what NAGO has not built."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    low: int
    why: str


@dataclass(frozen=True, slots=True)
class Unless:
    """A text passes unless it matches."""

    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True, slots=True)
class Holding:
    """A list of texts that must be there with this one."""

    text: str


@dataclass(frozen=True, slots=True)
class Among:
    """A list of texts, each one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Stays as NAGO builds it."""

    shape: Shape
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping with the fields of that kind."""

    kind: str
    needed: bool = False
    """Whether its own needed fields are looked for where it is absent."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A list of mappings with the fields of that kind."""

    kind: str
    key: str | None = None
    """By which Kubernetes merges the list."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Items of another kind, by their key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What of a template is not known to be good."""

    path: str
    why: str
    do: str | None = None
    malformed: bool = False
    """It means nothing, so that nobody can want it."""

    @property
    def sentence(self) -> str:
        return f"{self.path} {self.why}"


Rule = Shape | Secret | Only | AtLeast | Unless | Holding | Among | Fixed | Refused | Part | Parts
Fields = Mapping[str, Rule]
