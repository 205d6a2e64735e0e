"""Phrases that the field's terms have replaced, wherever somebody reads: documents, pages, messages, help, comments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PHRASES = ROOT / "tests" / "retired_phrases.txt"
FOLDERS = ("docs", "examples", "k8s", "nago_orchestrator", "nago_trainer")
_PARTS = re.compile(r"[\"'][ \t]*(?:#.*)?\n?\s*(?<=\s)\w{0,2}[\"']")
"""The end of a string and the beginning of the next."""
KINDS = (".md", ".yaml", ".py", ".j2", ".css")


def read_phrases() -> list[str]:
    return [line for line in PHRASES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def places_of_retired_phrases() -> list[str]:
    """File and phrase."""
    phrases = read_phrases()
    return [
        f"{file.relative_to(ROOT)}: {phrase}"
        for file in written_files()
        for phrase in retired_in("\n".join(texts_of(file)), phrases)
    ]


def written_files() -> list[Path]:
    found = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in KINDS)
    return sorted([*ROOT.glob("*.md"), *found])


def retired_in(text: str, phrases: Iterable[str]) -> list[str]:
    """Line breaks and the # of a comment do not hide a phrase."""
    flat = " ".join(re.sub(r"\s+#\s", " ", text.lower()).split())
    return [phrase for phrase in phrases if phrase in flat and re.search(rf"\b{re.escape(phrase)}", flat)]


def texts_of(file: Path) -> Iterator[str]:
    """The file as it is, and each string of a module as a whole, which may be written in several parts."""
    text = file.read_text(encoding="utf-8")
    yield text
    if file.suffix == ".py" and _PARTS.search(text):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
