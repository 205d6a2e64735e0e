"""Search spaces as one HTML page: the picture, then facts and tables of each space. No network and no script needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nago_orchestrator.report.templating import render


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    """Of each column: whether it stands to the right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePart:
    title: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[PageTable]


def build_space_page(title: str, picture: str, parts: Sequence[PagePart]) -> str:
    """`picture` is SVG text; it shows the title, which the page's heading gives to those alone who cannot see it.

    The same arguments give the same page.
    """
    return render("space.html.j2", title=title, figure=Markup(picture), parts=parts)
