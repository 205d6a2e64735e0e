"""Phrases that were replaced by the field's terms stay out of the documents and of what users read.

Each phrase has enough context to have no legitimate use. docs/glossary.md has the terms that take their place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("nago_orchestrator", "nago_trainer")

RETIRED = (
    "a little way off",
    "a model believes",
    "a present that",
    "a slip in the",
    "a slip of the",
    "as it is told",
    "asked in sql",
    "at a later look",
    "at hand in",
    "beats the preset",
    "become of it",
    "brings along",
    "came of it",
    "can be asked",
    "carries out a",
    "carry out a",
    "come to their end",
    "costs a gpu",
    "database is away",
    "every look",
    "failures of machines",
    "foretold",
    "full training of",
    "given up for lost",
    "go on with:",
    "goes on with it",
    "going on would",
    "hardly a right",
    "has its words",
    "in mid-study",
    "beliefs",
    "is believed",
    "is heard",
    "last words",
    "let go of",
    "lets running trials end",
    "made again",
    "mend it",
    "mend the",
    "mend what",
    "no other one",
    "nobody can be asked",
    "nobody serves",
    "not by luck",
    "of equals by",
    "one that matters",
    "portion of",
    "running trials end,",
    "same beliefs",
    "search in small",
    "server was away",
    "so many epochs",
    "software to rely on",
    "some six minutes",
    "stands under",
    "tell of the",
    "tells of",
    "tells the bracket",
    "the same again",
    "told order",
    "to keep it",
    "trained in full",
    "very far from any",
    "wait in line",
    "warm process",
    "was away",
    "way of the data",
    "what became of",
    "what stands",
    "whole number",
    "without a word",
    "would it run",
)
"""In lower case."""

STILL_IN_MESSAGES = (
    "beliefs",
    "can be asked",
    "come to their end",
    "database is away",
    "foretold",
    "full training of",
    "go on with:",
    "goes on with it",
    "going on would",
    "made again",
    "mend the",
    "mend what",
    "no other one",
    "nobody can be asked",
    "nobody serves",
    "tells of",
    "trained in full",
    "whole number",
    "without a word",
)
"""Of RETIRED, what messages and help texts say until they are rewritten. Remove a phrase here with its last use."""


def pages() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder in ("docs", "examples", "k8s"):
        yield from (file for file in (ROOT / folder).rglob("*") if file.suffix in (".md", ".yaml"))


def prose(page: Path) -> str:
    """Without the blocks that show what commands print: their words are those of the messages."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if page.suffix != ".md" or not line.startswith("    "))


def retired_in(text: str, phrases: Iterable[str] = RETIRED) -> list[str]:
    """Line breaks and the # of a comment do not hide a phrase."""
    flat = re.sub(r"\s+(#\s)?\s*", " ", text.lower())
    return [phrase for phrase in phrases if re.search(rf"\b{re.escape(phrase)}", flat)]


def messages(file: Path) -> Iterator[str]:
    """The strings of a module, without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def test_the_documents_use_no_retired_phrase() -> None:
    found = [f"{page.relative_to(ROOT)}: {phrase}" for page in pages() for phrase in retired_in(prose(page))]
    assert found == []


def test_the_messages_use_no_retired_phrase() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {phrase}"
        for package in PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        for message in messages(file)
        for phrase in retired_in(message, [phrase for phrase in RETIRED if phrase not in STILL_IN_MESSAGES])
    ]
    assert found == []


def test_a_phrase_is_found_across_lines_and_comments() -> None:
    assert retired_in("# nothing\n# of the told\n# order\n", ("told order",)) == ["told order"]
    assert retired_in("untold orders", ("told order",)) == []
