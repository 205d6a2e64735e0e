from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nago_orchestrator.errors import SpecError
from nago_orchestrator.spec.document import MAXIMAL_VALUES, read_document
from tests.located import located


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.0e6", 4.0e6),
        ("4e6", 4e6),
        ("-3", -3),
        ("007", 7),
        (".5", 0.5),
        ("5.", 5.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("'3'", "3"),
        ('"true"', "true"),
        ("''", ""),
        ("[1, [2], {a: b}]", [1, [2], {"a": "b"}]),
        ("|\n  3\n", "3\n"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    read = read_document(text, "file").value
    assert read == value
    assert type(read) is type(value)


def test_nan_is_read_as_a_number() -> None:
    assert math.isnan(read_document(".nan", "file").value)


def test_every_key_and_item_has_its_line() -> None:
    document = read_document("a: 1\nb:\n  c:\n    - 5\n    - d: 6\n", "file")
    assert document.value == {"a": 1, "b": {"c": [5, {"d": 6}]}}
    lines = [document.line(path) for path in [("a",), ("b",), ("b", "c"), ("b", "c", 0), ("b", "c", 1, "d")]]
    assert lines == [1, 2, 3, 4, 5]
    assert document.line(("b", "c", 1, "missing")) == 5


def test_small_aliases_are_allowed() -> None:
    assert read_document("a: &range {low: 1, high: 2}\nb: *range\n", "file").value["b"] == {"low": 1, "high": 2}


def test_aliases_that_explode_are_refused_at_once() -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9)]
    with pytest.raises(
        SpecError,
        match=rf"^more than {MAXIMAL_VALUES} values .*file, line 4, column 45",
    ):
        read_document("\n".join(rows), "file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "file, line 1, column 5: invalid YAML: expected the node content, but found the end of the file"),
        ("a: 1\n\tb: 2", "file, line 2, column 1: invalid YAML: a tab in the indentation: use spaces"),
        ("a: 'b", "file, line 1, column 6: invalid YAML: found unexpected end of stream"),
        ("a: b: c", "file, line 1, column 5: invalid YAML: mapping values are not allowed here"),
        ("a: \x00", "file: invalid YAML: the file contains a control character: save it as plain text"),
        ('a: "x\\0"', r"file, line 1, column 4: a text with the character \u0000, which cannot be stored"),
        ('a: {"\\ud800": 1}', r"file, line 1, column 5: a text with the character \ud800, which cannot be stored"),
        ("a: 1\nb: 2\na: 3", "file, line 3, column 1: the key a is repeated, first used on line 1"),
        ("b:\n  a: 1\n  a: 2", "file, line 3, column 3: the key a is repeated, first used on line 2"),
        ("a: &a [*a]", "file, line 1, column 8: the alias *a refers to no anchor &a before it"),
        ("a: *b", "file, line 1, column 4: the alias *b refers to no anchor &b before it"),
        ("a: 1\n---\nb: 2", "file, line 2, column 1: a study file has one YAML document, and here a second one begins"),
        ("a: !!python/name:os.system x", "file, line 1, column 4: the tag !!python/name:os.system is not allowed"),
        ("a: !secret x", "file, line 1, column 4: the tag !secret is not allowed in a study file"),
        ("? [a, b]\n: 1", "file, line 1, column 3: a key must be a single word"),
        ("[" * 60_000, "file, line 1, column 22: more than 20 nested levels"),
        ("a: " + "9" * 5000, "file, line 1, column 4: a number of 5000 digits"),
    ],
)
def test_what_is_not_one_plain_document_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_document(text, "file")
    assert located(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    try:
        read_document(text, "file")
        sentence = "file"
    except SpecError as error:
        sentence = located(error)
    assert sentence.startswith("file")
    assert "\n" not in sentence
