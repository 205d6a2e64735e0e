"""Phrases that the field's terms have replaced stay out of everything that is read.

tests/retired_phrases.txt lists them; docs/glossary.md has the terms that take their place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.retired_phrases import (
    ROOT,
    places_of_retired_phrases,
    read_phrases,
    retired_in,
    texts_of,
    written_files,
)


def test_no_retired_phrase_is_used() -> None:
    assert places_of_retired_phrases() == []


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "docs/glossary.md",
        "examples/digits-demo.yaml",
        "nago_orchestrator/cli/commands/submit.py",
        "nago_orchestrator/report/templates/page.html.j2",
        "nago_trainer/__main__.py",
    ],
)
def test_documents_help_messages_and_pages_are_searched(file: str) -> None:
    assert ROOT / file in written_files()


def test_phrases_are_in_lower_case_and_listed_once() -> None:
    phrases = read_phrases()
    assert phrases == sorted(set(phrases))
    assert [phrase for phrase in phrases if phrase != phrase.lower().strip()] == []


def test_a_phrase_is_found_across_lines_and_comments() -> None:
    assert retired_in("# nothing\n# of the told\n# order\n", ("told order",)) == ["told order"]
    assert retired_in("untold orders", ("told order",)) == []


def test_a_phrase_is_found_in_a_string_of_several_parts(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('WHAT = (\n    "of the told "\n    f"order of {1}"\n)\n')
    assert retired_in("\n".join(texts_of(module)), ("told order",)) == ["told order"]
