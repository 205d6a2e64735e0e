"""What a trainer or a file name says reaches the terminal as text, and as nothing else."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from nago_orchestrator.formatting.visible import visible, visible_line


def test_an_escape_sequence_is_shown() -> None:
    assert visible("\x1b]0;owned\x07 \x9b31mred") == "\\u001b]0;owned\\u0007 \\u009b31mred"
    assert visible("abc\u202edef") == "abc\\u202edef"


@given(st.text())
def test_no_control_character_is_left_but_the_ends_of_lines_and_tabs(text: str) -> None:
    kinds = {unicodedata.category(character) for character in visible(text) if character not in "\n\t"}
    assert "Cc" not in kinds
    assert "Cc" not in {unicodedata.category(character) for character in visible_line(text)}


def test_half_a_character_can_be_written_to_any_stream() -> None:
    assert visible("caf\udce9").encode() == rb"caf\udce9"


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"])))
def test_other_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == visible_line(text) == text


@given(st.text())
def test_json_keeps_its_meaning(text: str) -> None:
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text
