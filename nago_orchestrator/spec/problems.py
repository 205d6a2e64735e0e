"""Pydantic's validation errors as problems of the study file, each with the key's path, its line and advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nago_orchestrator.formatting.suggestions import nearest, suggestion
from nago_orchestrator.spec.choices import SHAPES
from nago_orchestrator.spec.document import Document, KeyPath
from nago_orchestrator.spec.older import RENAMED
from nago_orchestrator.spec.scalars import describe, format_number
from nago_orchestrator.spec.schema import SchemaPath, schema_keys
from nago_orchestrator.spec.search import ALGORITHMS

IN_PHASES = ("search", "phases", "phases")
"""Where pydantic locates a search among phases: the section, the chosen algorithm, the key."""

_ALGORITHM = " with algorithm "


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The parts of an error message; see `NagoError`."""

    what: str
    line: int | None
    do: str | None


def list_problems(error: ValidationError, document: Document) -> list[Problem]:
    """In the order of the file."""
    problems = []
    for details in error.errors(include_url=False):
        if not _is_consequence(details):
            path = tuple(part for part, is_choice in _steps(details["loc"]) if not is_choice)
            what, do = _sentence(details, path)
            problems.append(Problem(what=what, line=document.line(path), do=do))
    return sorted(problems, key=lambda problem: problem.line or 0)


def _is_consequence(details: ErrorDetails) -> bool:
    """Whether pydantic complains only because of another error: a default that depends on a wrong value, or a list
    that is too short when its wrong items are left out."""
    if details["type"] == "too_short":
        return bool(len(details["input"]) >= details["ctx"]["min_length"])
    return details["type"] == "default_factory_not_called"


def _sentence(details: ErrorDetails, path: KeyPath) -> tuple[str, str | None]:
    """What is wrong, and what to do."""
    key = format_path(path)
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_key(details["loc"], key)
    if kind == "missing":
        return f"{key} is missing", None
    if details["input"] is None:
        return f"{key} is empty", "give it a value, or remove the key"
    context, explain = details.get("ctx", {}), _EXPLANATIONS.get(kind)
    if kind == "union_tag_invalid":
        return f"{key} {_unknown_tag(context)}", suggestion(str(context["tag"]), _known_tags(context))
    return f"{key} {explain(details['input'], context) if explain else details['msg'].lower()}", context.get("do")


def format_path(path: KeyPath) -> str:
    """space.hyperparameters.top_nodes.low, objectives[0].goal."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the study file"


def _unknown_key(location: KeyPath, key: str) -> tuple[str, str]:
    *before, word = _schema_path(location)
    if word in RENAMED:
        return f"{key} is the old name of {RENAMED[word]}, which is given too", "remove one of them"
    siblings = [path[-1] for path in schema_keys() if path[:-1] == tuple(before)]
    meant = nearest(word, siblings)
    if meant:
        return f"unknown key {key}", f"did you mean {meant}?"
    elsewhere = [path for path in schema_keys() if path[-1] == word]
    if elsewhere:
        return f"unknown key {key}", f"it belongs under {_places(elsewhere)}"
    return f"unknown key {key}", f"choose one of {', '.join(siblings)}"


def _places(paths: Sequence[SchemaPath]) -> str:
    """For example "trainer or final", "search with algorithm ehvi or mobo"."""
    algorithms: dict[str, list[str]] = {}
    for path in paths:
        place, *algorithm = _place(path).split(_ALGORITHM)
        algorithms.setdefault(place, []).extend(algorithm)
    return " or ".join(place + (_ALGORITHM + " or ".join(of) if of else "") for place, of in algorithms.items())


def _place(path: SchemaPath) -> str:
    places = [f"{_ALGORITHM}{part[1:-1]}" if part.startswith("(") else f".{part}" for part in path[:-1]]
    return "".join(places).removeprefix(".").replace(".[]", "[]") or "the top level"


def _schema_path(location: KeyPath) -> SchemaPath:
    """As `schema_keys` writes it; the hyperparameters' alternatives ("range", "fixed") do not appear there."""
    if location[:3] == IN_PHASES and len(location) > 4:
        location = ("search", *location[4:])  # a phase has the keys of a search of its own
    steps = _steps(location)
    return tuple(_schema_part(part, is_choice) for part, is_choice in steps if not is_choice or part in ALGORITHMS)


def _schema_part(part: str | int, is_choice: bool) -> str:
    return f"({part})" if is_choice else "[]" if isinstance(part, int) else part


def _steps(location: KeyPath) -> list[tuple[str | int, bool]]:
    """Each part of pydantic's location, and whether it names a chosen alternative rather than a key of the file."""
    return [(part, _is_choice(location[:position], part)) for position, part in enumerate(location)]


def _is_choice(before: KeyPath, part: str | int) -> bool:
    if before == ("search",) or (before[:3] == IN_PHASES and len(before) == 4):
        return part in ALGORITHMS
    return before[:2] == ("space", "hyperparameters") and len(before) == 3 and part in SHAPES


def _bound(text: str, name: str) -> Callable[[Any, Mapping[str, Any]], str]:
    return lambda value, context: f"must be {text} {format_number(context[name])}, found {describe_short(value)}"


def _count(text: str, name: str) -> Callable[[Any, Mapping[str, Any]], str]:
    return lambda _, context: f"must list at {text} {context[name]}, found {context['actual_length']}"


def describe_short(value: Any) -> str:
    """Numbers bare, everything else as in `describe`."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return format_number(value) if is_number else describe(value)


def _known_tags(context: Mapping[str, Any]) -> list[str]:
    return [word.strip("' ") for word in context["expected_tags"].split(",")]


def _unknown_tag(context: Mapping[str, Any]) -> str:
    return f"names an unknown {context['discriminator'].strip(chr(39))} '{context['tag']}'"


_EXPLANATIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "study_file": lambda _, context: str(context["sentence_end"]),
    "greater_than_equal": _bound("at least", "ge"),
    "greater_than": _bound("above", "gt"),
    "less_than_equal": _bound("at most", "le"),
    "less_than": _bound("below", "lt"),
    "too_short": _count("least", "min_length"),
    "too_long": _count("most", "max_length"),
    "model_type": lambda value, _: f"must be a mapping of keys, found {describe(value)}",
    "model_attributes_type": lambda value, _: f"must be a mapping of keys, found {describe(value)}",
    "tuple_type": lambda value, _: f"must be a list, found {describe(value)}",
    "union_tag_not_found": lambda value, context: (
        f"must have the key {context['discriminator'].strip(chr(39))}"
        if isinstance(value, dict)
        else f"must be a mapping of keys, found {describe(value)}"
    ),
}
