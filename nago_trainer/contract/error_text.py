"""The one form of an error message, for both programs."""

from __future__ import annotations


def error_text(what: str, *, where: object = None, do: str | None = None) -> str:
    """`<what is wrong> (<where>): <what to do>`.

    One sentence without a capital at its start, unless it is a name's, and without a full stop: it can be part of a
    longer one. `where` is a file, a line or a place in a database; `do` is what the user can do now.
    """
    place = f" ({where})" if where is not None else ""
    return f"{what}{place}{f': {do}' if do else ''}"
