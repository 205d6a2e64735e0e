"""Limits that the code keeps to: short modules and functions, a docstring each, no stray print, no machine's paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("nago_orchestrator", "nago_trainer")
MOST_LINES = 300
"""Of a module."""
MOST_BODY_LINES = 50
"""Of a function, its docstring aside."""
PRINTING = ("nago_orchestrator/cli", "benchmarks")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".txt"}
MACHINE_PATH = re.compile(r"/(?:work|root|Users)/|/home/(?!ada\b)\w")
"""The documentation's user is called ada."""


def modules(*folders: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).rglob("*.py"))


def functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def calls_print(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def readable_files() -> Iterator[Path]:
    """The project's own, whatever else lies in its folder."""
    folders = (*PRODUCT, "migrations", "benchmarks", "docs", "examples", "tests", "k8s", ".ci")
    yield from (file for file in ROOT.iterdir() if file.is_file())
    for folder in folders:
        yield from (file for file in (ROOT / folder).rglob("*") if file.is_file())


@pytest.mark.parametrize("module", modules(*PRODUCT, "migrations", "benchmarks"))
def test_a_module_says_what_it_is_and_is_short(module: str) -> None:
    text = (ROOT / module).read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{module} has no docstring"
    assert len(text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", modules(*PRODUCT, "benchmarks"))
def test_functions_are_short(module: str) -> None:
    long = {function.name: body_lines(function) for function in functions(module)}
    assert {name: lines for name, lines in long.items() if lines > MOST_BODY_LINES} == {}


@pytest.mark.parametrize("module", [name for name in modules(*PRODUCT) if not name.startswith(PRINTING)])
def test_only_the_command_line_prints(module: str) -> None:
    assert not any(map(calls_print, ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))))


def test_no_file_knows_the_machine_that_it_was_written_on() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in readable_files()
        if file.suffix in TEXT or file.name in ("Makefile", "Dockerfile", "run")
        for match in MACHINE_PATH.finditer(file.read_text(encoding="utf-8"))
    }
    assert found == set()
