"""Errors have one form, `<what is wrong> (<where>): <what to do>`, in every place that raises one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from nago_orchestrator import errors
from nago_orchestrator.errors import InputError, NagoError, needing

PACKAGE = Path(errors.__file__).parent
NAMES = re.compile(r"(Kubernetes|PostgreSQL|BOHB|MOBO)\b|UTF-")
"""What a sentence may begin with although it has a capital."""
REMEDY = re.compile(r"[:;] (give|run|upgrade|put|stop|try|install|correct|use|set|take|add|save|pass|pip install)\b")
"""The beginning of what to do, which has a field of its own."""


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NagoError("a is wrong"), "a is wrong"),
        (NagoError("a is wrong", where="line 3"), "a is wrong (line 3)"),
        (NagoError("a is wrong", do="give b"), "a is wrong: give b"),
        (NagoError("a is wrong", where=Path("c"), do="give b"), "a is wrong (c): give b"),
    ],
)
def test_the_parts_make_one_sentence(error: NagoError, text: str) -> None:
    assert str(error) == text


def test_a_missing_library_is_named_with_its_extra() -> None:
    with pytest.raises(InputError) as raised, needing("mobo", what="a search"):
        raise ModuleNotFoundError(name="jax")
    assert str(raised.value) == (
        "a search needs the package jax, which is not installed: pip install 'nago-orchestrator[mobo]'"
    )


def test_every_error_is_written_in_the_form() -> None:
    assert [f"{place}: {fault}" for place, fault in _faults()] == []


def _faults() -> Iterator[tuple[str, str]]:
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}
    nodes = {file: list(ast.walk(tree)) for file, tree in trees.items()}
    classes = _error_classes(nodes.values())
    for file, inside in nodes.items():
        for node in inside:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes:
                texts = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "do")]
                for text in texts:
                    place = f"{file.relative_to(PACKAGE)}:{node.lineno}"
                    yield from ((place, fault) for fault in _faults_of(_pieces(text)))


def _error_classes(modules: Iterable[list[ast.AST]]) -> set[str]:
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for inside in modules
        for node in inside
        if isinstance(node, ast.ClassDef)
    }
    found = {"NagoError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def _pieces(text: ast.expr) -> list[str]:
    """The literal's own words; what is filled in becomes an empty piece."""
    values = text.values if isinstance(text, ast.JoinedStr) else [text]
    return [value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else "" for value in values]


def _faults_of(pieces: list[str]) -> Iterator[str]:
    shown = "{}".join(pieces)
    if pieces[0][:1].isupper() and not NAMES.match(pieces[0]):
        yield f"begins with a capital: {shown}"
    if pieces[-1].endswith(".") and not pieces[-1].endswith("..."):
        yield f"ends with a stop: {shown}"
    if any(REMEDY.search(piece) for piece in pieces):
        yield f"says what to do, which belongs in `do`: {shown}"
