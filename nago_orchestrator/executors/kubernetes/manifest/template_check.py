"""What of a merged pod template is not known to be good: the decisions of `template_table`, applied field by field.

Only what differs from the template that NAGO built is looked at. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nago_orchestrator.executors.kubernetes.manifest.template_kept import kept_violations
from nago_orchestrator.executors.kubernetes.manifest.template_parts import REQUIRED
from nago_orchestrator.executors.kubernetes.manifest.template_rules import (
    Part,
    Parts,
    Rule,
    Violation,
)
from nago_orchestrator.executors.kubernetes.manifest.template_table import TABLE
from nago_orchestrator.executors.kubernetes.manifest.template_values import is_needed, shape_fault, value_fault
from nago_orchestrator.formatting.suggestions import nearest

NOTHING: Mapping[str, Any] = {}


def violations(merged: Mapping[str, Any], built: Mapping[str, Any], own_secret: str) -> list[Violation]:
    """`own_secret`: the name of the Secret with the trainers' address of the database."""
    found = list(_Judge(own_secret).fields("PodTemplateSpec", merged, built, ""))
    if any(violation.malformed for violation in found):
        return found  # the rest relies on the shapes
    return [*found, *kept_violations(merged, built)]


class _Judge:
    """Walks the template beside the built one, from the table's first kind down."""

    def __init__(self, own_secret: str) -> None:
        self._own_secret = own_secret

    def fields(self, kind: str, after: Any, before: Any, path: str) -> Iterator[Violation]:
        rules = TABLE[kind]
        if not isinstance(after, Mapping):
            yield Violation(path=path, why="must be a mapping of keys", malformed=True)
            return
        for name in sorted(after.keys() - rules.keys(), key=str):
            yield _unknown(name, tuple(rules), path)
        for name in REQUIRED.get(kind, ()):
            if after.get(name) is None:
                yield Violation(path=path, why=f"has no {name}", malformed=True)
        for name, rule in rules.items():
            yield from self._field(rule, after.get(name), before.get(name), _joined(path, name))

    def _field(self, rule: Rule, after: Any, before: Any, path: str) -> Iterator[Violation]:
        match rule:
            case Part(kind, needed):
                if needed or not _same(after, before):
                    yield from self.fields(kind, _or_nothing(after), _or_nothing(before), path)
            case Parts():
                if not _same(after, before):
                    yield from self._items(rule, after, before or [], path)
            case _:
                if is_needed(rule) or not _same(after, before):
                    yield from self._value(rule, after, path)

    def _items(self, rule: Parts, after: Any, before: list[Any], path: str) -> Iterator[Violation]:
        if after is not None and not isinstance(after, list):
            yield Violation(path=path, why="must be a list", malformed=True)
            return
        there = {item[rule.key]: item for item in before} if rule.key is not None else {}
        for index, item in enumerate(after or []):
            name = item.get(rule.key) if isinstance(item, Mapping) and rule.key is not None else None
            if rule.key is not None and name is None:
                yield Violation(path=f"{path}[{index}]", why=f"has no {rule.key}", malformed=True)
            same = there.get(name) if isinstance(name, (str, int)) else None
            kind = rule.named.get(str(name), rule.kind)
            if same is None or not _same(item, same):
                yield from self.fields(kind, item, same or NOTHING, f"{path}[{index if name is None else name}]")

    def _value(self, rule: Rule, value: Any, path: str) -> Iterator[Violation]:
        fault = shape_fault(rule, value)
        if fault is not None:
            yield Violation(path=path, why=fault, malformed=True)
            return
        why = value_fault(rule, value, self._own_secret)
        if why is not None:
            yield Violation(path=path, why=why)


def _unknown(name: Any, known: tuple[str, ...], path: str) -> Violation:
    meant = nearest(str(name), known)
    do = None if meant is None else f"did you mean {meant}?"
    return Violation(path=_joined(path, str(name)), why="is not a known field of a pod template", do=do)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _or_nothing(value: Any) -> Any:
    return NOTHING if value is None else value


def _same(after: Any, before: Any) -> bool:
    """Unlike with ==, 0 is not false."""
    if type(after) is not type(before):
        return False
    if isinstance(after, dict):
        return after.keys() == before.keys() and all(_same(value, before[key]) for key, value in after.items())
    if isinstance(after, list):
        return len(after) == len(before) and all(map(_same, after, before))
    return bool(after == before)
