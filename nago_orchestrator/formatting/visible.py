"""Text that others wrote, made harmless for a terminal: nothing in it moves the cursor, colours or hides other text."""

from __future__ import annotations

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
"""C0 and C1 of ISO/IEC 6429: escape sequences begin with one of them."""
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Unicode's bidirectional controls (UAX #9, table 4), which make a text look like another."""
_HALVES = range(0xD800, 0xE000)
"""Surrogates: a stream that is UTF-8 cannot take one without its partner, e.g. of a file's name that is no text."""
_ESCAPED = {code: f"\\u{code:04x}" for code in (*_CONTROLS, *_DIRECTIONS, *_HALVES)}
_SEVERAL_LINES = {code: text for code, text in _ESCAPED.items() if chr(code) not in "\n\t"}


def visible(text: str) -> str:
    """With `\\u001b` for an escape, the same form that JSON has; line breaks and tabs stay."""
    return text.translate(_SEVERAL_LINES)


def visible_line(text: str) -> str:
    """The same, for what must stay on one line."""
    return text.translate(_ESCAPED)
