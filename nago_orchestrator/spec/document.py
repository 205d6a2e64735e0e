"""YAML text to plain values with the line of every key: what the study file's loader validates.

Stricter than YAML itself, because a study file is written by hand and a slip in it costs GPU hours: duplicate keys,
tags, several documents and aliases that expand to more than a few thousand values are refused. Plain scalars follow
YAML 1.2's core schema, so `no` is a text, `4.0e6` a number and `12:30` not a number of seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from nago_orchestrator.errors import SpecError

KeyPath = tuple[str | int, ...]

MAXIMAL_VALUES = 10_000
MAXIMAL_DEPTH = 20
MAXIMAL_DIGITS = 100

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_IMPOSSIBLE = re.compile("[\\0\\ud800-\\udfff]")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    value: Any
    """Mappings, lists, strings, numbers, booleans and None."""
    lines: Mapping[KeyPath, int]
    """Line (from 1) of each key and list item; those inside an alias are missing."""

    def line(self, path: KeyPath) -> int | None:
        """Line of the key or of the nearest one around it that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read_document(text: str, source: str) -> Document:
    """Raises SpecError, with line and column, for anything that is not one plain YAML document."""
    try:
        reader = _Reader(source=source, events=iter(yaml.parse(text, Loader=yaml.SafeLoader)))
        return Document(value=reader.document(), lines=reader.lines)
    except yaml.MarkedYAMLError as error:
        raise _invalid(error, source) from error
    except yaml.YAMLError as error:
        raise SpecError(
            "invalid YAML: the file contains a control character", where=source, do="save it as plain text"
        ) from error


def _invalid(error: yaml.MarkedYAMLError, source: str) -> SpecError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "unreadable"
    where = source if mark is None else _place(source, mark)
    if "'\\t'" in problem:
        return SpecError("invalid YAML: a tab in the indentation", where=where, do="use spaces")
    problem = problem.replace("'<stream end>'", "the end of the file")
    return SpecError(f"invalid YAML: {problem}", where=where)


def _place(source: str, mark: Any) -> str:
    return f"{source}, line {mark.line + 1}, column {mark.column + 1}"


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Builds values from the parser's events and keeps count, so that nothing can explode."""

    source: str
    events: Iterator[Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    count: int = 0

    def document(self) -> Any:
        value = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.refuse(event, "a study file has one YAML document, and here a second one begins")
                value = self.value(next(self.events), ())
        return value

    def value(self, event: Any, path: KeyPath) -> Any:
        self.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        self.grow(event, 1)
        if event.tag is not None:
            raise self.refuse(
                event, f"the tag {event.tag.replace('tag:yaml.org,2002:', '!!')} is not allowed in a study file"
            )
        if len(path) > MAXIMAL_DEPTH:
            raise self.refuse(event, f"more than {MAXIMAL_DEPTH} nested levels")
        before = self.count
        value = self.build(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, self.count - before + 1
        return value

    def build(self, event: Any, path: KeyPath) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            self.check_text(event)
            return event.value if event.style else self.plain_scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path)
        return self.mapping(path)

    def sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*path, len(items))))
        return items

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self.refuse(event, "a key must be a single word")
            self.check_text(event)
            here = (*path, event.value)
            if event.value in items:
                raise self.refuse(event, f"the key {event.value} is repeated, first used on line {self.lines[here]}")
            self.grow(event, 1)
            self.lines[here] = _line(event)
            items[event.value] = self.value(next(self.events), here)
        return items

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self.refuse(event, f"the alias *{event.anchor} refers to no anchor &{event.anchor} before it")
        value, size = self.anchors[event.anchor]
        self.grow(event, size)
        return value

    def grow(self, event: Any, size: int) -> None:
        self.count += size
        if self.count > MAXIMAL_VALUES:
            raise self.refuse(event, f"more than {MAXIMAL_VALUES} values after the expansion of aliases")

    def check_text(self, event: Any) -> None:
        """Escapes can write what no database stores and no program takes as an argument."""
        found = _IMPOSSIBLE.search(event.value)
        if found is not None:
            raise self.refuse(event, f"a text with the character \\u{ord(found[0]):04x}, which cannot be stored")

    def plain_scalar(self, event: Any) -> Any:
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if _WHOLE.fullmatch(text):
            if len(text) > MAXIMAL_DIGITS:
                raise self.refuse(event, f"a number of {len(text)} digits")
            return int(text)
        if _SPECIAL.fullmatch(text):
            return float(text.replace(".", ""))
        return float(text) if _REAL.fullmatch(text) else text

    def refuse(self, event: Any, problem: str) -> SpecError:
        return SpecError(problem, where=_place(self.source, event.start_mark))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
