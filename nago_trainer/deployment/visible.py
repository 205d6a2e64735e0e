"""Texts that others wrote, such as names of files and classes, on a terminal."""

from __future__ import annotations


def visible(text: object) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in str(text))
