"""Limits that the code keeps to: few loose modules, short modules and functions, docstrings, no machine's paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("nago_orchestrator", "nago_trainer")
MOST_LINES = 300
"""Of a module."""
MOST_LOOSE_MODULES = 8
"""At the root of a package, beside its rooms."""
MOST_BODY_LINES = 50
"""Of a function, its docstring aside."""
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".txt"}
MACHINE_PATH = re.compile(r"/(?:work|root|Users)/|/home/(?!ada\b)\w")
"""The documentation's user is called ada."""


def modules(*folders: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).rglob("*.py"))


def source(module: str) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(source(module))


def functions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Also those inside others, of classes and in branches. None stands inside an expression."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from functions(getattr(statement, name, ()))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def first_sentence(file: Path) -> str | None:
    """Of its docstring, one that ends on the first line or paragraph."""
    found = re.match(
        r"[A-Z`].+?[.?](?=\s|$)", ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "", re.DOTALL
    )
    return found[0] if found else None


def readable_files() -> Iterator[Path]:
    """The project's own, whatever else lies in its folder."""
    folders = (*PRODUCT, "migrations", "benchmarks", "docs", "examples", "tests", "k8s", ".ci")
    yield from (file for file in ROOT.iterdir() if file.is_file())
    for folder in folders:
        yield from (file for file in (ROOT / folder).rglob("*") if file.is_file())


def test_modules_say_what_they_are() -> None:
    every = modules(*PRODUCT, "migrations", "benchmarks")
    assert [module for module in every if source(module).strip() and not ast.get_docstring(tree(module))] == []


def test_modules_are_short() -> None:
    lines = {module: len(source(module).splitlines()) for module in modules(*PRODUCT, "migrations", "benchmarks")}
    assert {module: count for module, count in lines.items() if count > MOST_LINES} == {}


def test_few_modules_lie_loose_at_the_roots() -> None:
    loose = {package: [file.name for file in (ROOT / package).glob("*.py")] for package in PRODUCT}
    assert {package: names for package, names in loose.items() if len(names) > MOST_LOOSE_MODULES} == {}


def test_every_folder_says_in_a_sentence_what_room_it_is() -> None:
    folders = {file.parent for package in PRODUCT for file in (ROOT / package).rglob("*.py")}
    silent = [
        str(folder.relative_to(ROOT))
        for folder in folders
        if not (folder / "__init__.py").is_file() or not first_sentence(folder / "__init__.py")
    ]
    assert sorted(silent) == []


def test_functions_are_short() -> None:
    lines = {
        f"{module}:{function.name}": body_lines(function)
        for module in modules(*PRODUCT, "benchmarks")
        for function in functions(tree(module).body)
    }
    assert {place: count for place, count in lines.items() if count > MOST_BODY_LINES} == {}


def test_unit_tests_lie_where_their_modules_lie() -> None:
    folders = {
        file.parent.relative_to(ROOT / "tests" / "unit")
        for file in (ROOT / "tests" / "unit").glob("nago_*/**/test_*.py")
    }
    assert sorted(str(folder) for folder in folders if not (ROOT / folder).is_dir()) == []


def test_no_file_knows_the_machine_that_it_was_written_on() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in readable_files()
        if file.suffix in TEXT or file.name in ("Makefile", "Dockerfile", "run")
        for match in MACHINE_PATH.finditer(file.read_text(encoding="utf-8"))
    }
    assert found == set()
