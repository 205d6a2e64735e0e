"""Documents that are wrong in some way: strategies of hypothesis, for study files and for reports alike."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import strategies as st

Path = tuple[str | int, ...]

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 2**31, 2**63, -(2**63), 2**70, 10**99, 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("inf"), -float("inf"), float("nan")),
)
TEXTS = (
    *(
        "",
        " ",
        "~",
        "null",
        "yes",
        "1e400",
        "-1e400",
        ".nan",
        ".inf",
        "0x10",
        "1_000",
        "1h",
        "-3 days",
        "99999999999 GB",
    ),
    *("a" * 10_000, "\0", "\ud800", "\x1b[31m", "\u202e", "é" * 300, "🙂", "../../etc", "/", "/dev/null", "a/b", "-x"),
    *("%s{0}{x}", "'; DROP TABLE study; --", "!!python/object:os.system", "NaN", "Infinity", "2026-13-45", "$HOME"),
)
scalars = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.booleans(),
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.text(max_size=5), scalars, max_size=3),
    st.builds(lambda depth: _nested(depth), st.sampled_from((3, 50))),
)


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def paths(document: Any, path: Path = ()) -> Iterator[Path]:
    """Of every value in it, itself included."""
    yield path
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        yield from paths(value, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, documents: tuple[Any, ...]) -> Any:
    """One of the documents with one to three changes in it, anywhere."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in paths(document) if path]
        if not places:
            return draw(values)
        document = _changed(draw, document, draw(st.sampled_from(places)))
    return document


def _changed(draw: st.DrawFn, document: Any, path: Path) -> Any:
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    key = path[-1]
    kind = draw(st.sampled_from(("replace", "replace", "replace", "other", "delete", "rename", "add")))
    if kind == "delete":
        del parent[key]
    elif kind == "rename" and isinstance(parent, dict):
        parent[draw(st.one_of(st.just(f"{key}s"), scalars.filter(_can_be_key)))] = parent.pop(key)
    elif kind == "add" and isinstance(parent, dict):
        parent[draw(st.text(max_size=8))] = draw(values)
    else:
        parent[key] = draw(values) if kind == "replace" else draw(st.sampled_from(_others(parent[key])))
    return document


def _others(value: Any) -> list[Any]:
    """Made of the value itself: at another scale, within something, or what is in it."""
    beyond_floats = isinstance(value, int) and abs(value) > sys.float_info.max  # no float can scale it
    scales = (-1, 0, 2, 1000) if beyond_floats else (-1, 0, 1e-9, 0.5, 2, 1000, 1e9, 1e300)
    scaled = [value * scale for scale in scales] if isinstance(value, int | float) else []
    parts = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    return [[value], {"value": value}, str(value), *scaled, *parts]


def _can_be_key(value: Any) -> bool:
    return not (isinstance(value, float) and math.isnan(value))  # it would be another key each time


SNIPPETS = (
    *(b"\xff\xfe", b"\0", b"\xc3", b"\xed\xa0\x80", b"\t", b"\r", b"\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf"),
    *(b"*a", b"&a [*a, *a]", b"&a {b: *a}", b"!!python/object/apply:os.system [ls]", b"!!binary aGk=", b"!!set {a}"),
    *(b"- " * 60, b"[" * 3000, b"{a: " * 3000, b"? ", b"? [a]: b", b"--- ", b"\n---\n", b"\n...\n", b"%YAML 9.9\n"),
    *(b"<<: *x", b"<<: {a: 1}", b"1e99999", b"9" * 5000, b": ", b"#", b"|", b">", b"'", b'"', b"\\x", b"`", b"@"),
)


_LEVELS = (
    b"a0: &a0 [x, x, x, x, x, x, x, x]",
    *(b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 8)) for n in range(1, 9)),
)
BOMB = b"\n" + b"\n".join(_LEVELS) + b"\n"
"""Aliases of aliases: a billion values in a few lines."""


@st.composite
def broken_bytes(draw: st.DrawFn, texts: tuple[bytes, ...]) -> bytes:
    """One of the texts, cut, doubled, or with something else in its midst."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 40)))
        before, within, after = text[:begin], text[begin:end], text[end:]
        strange = draw(st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=8)))
        text = draw(
            st.sampled_from(
                (
                    before + strange + within + after,
                    before + strange + after,
                    before + after,
                    before,
                    before + bytes(255 - byte for byte in within) + after,
                    before + within + within + after,
                    text + BOMB,
                    text + (text.splitlines(keepends=True) or [b""])[-1],
                )
            )
        )
    return text


def as_yaml(document: Any) -> bytes:
    """As YAML can write it; what UTF-8 cannot hold stays in it as bytes that are not UTF-8."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")
