"""Blocks of code that stand in two places to the letter. Counted for `benchmarks.house`.

Comments, docstrings, empty lines, imports and lines of brackets alone do not count; indentation does not matter.
"""

from __future__ import annotations

import ast
import tokenize
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

LEAST = 6
"""Lines of a block."""
Place = tuple[int, int]
"""A file, by its place in the list, and a line of what counts in it."""


def count_repeated_blocks(files: Sequence[Path]) -> int:
    """Pairs of places that begin a run of equal lines."""
    windows: defaultdict[tuple[str, ...], list[Place]] = defaultdict(list)
    for file, lines in enumerate(map(code_lines, files)):
        for start in range(len(lines) - LEAST + 1):
            windows[tuple(lines[start : start + LEAST])].append((file, start))
    pairs = {pair for places in windows.values() for pair in combinations(places, 2) if not _overlap(*pair)}
    return sum(((one[0], one[1] - 1), (other[0], other[1] - 1)) not in pairs for one, other in pairs)


def _overlap(one: Place, other: Place) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) < LEAST


def code_lines(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    skipped = _prose_and_imports(ast.parse(text))
    code: defaultdict[int, list[str]] = defaultdict(list)
    with tokenize.open(file) as opened:
        for token in tokenize.generate_tokens(opened.readline):
            if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                code[token.start[0]].append(token.string)
    lines = (" ".join(words) for number, words in sorted(code.items()) if number not in skipped)
    return [line for line in lines if any(letter.isalnum() for letter in line)]


def _prose_and_imports(tree: ast.Module) -> set[int]:
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and (isinstance(node, (ast.Import, ast.ImportFrom)) or _is_prose(node))
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def _is_prose(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
