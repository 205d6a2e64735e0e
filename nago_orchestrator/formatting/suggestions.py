"""Which known word a mistyped one stands for, as advice for the user. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most likely meant, if one is near enough."""
    plain = {_bare(name): name for name in known}
    found = difflib.get_close_matches(_bare(word), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """What to do about an unknown word: the one that is probably meant, or all that are known."""
    known = tuple(known)
    meant = nearest(word, known)
    return f"did you mean {meant}?" if meant else f"choose one of {', '.join(known)}"


def _bare(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())
