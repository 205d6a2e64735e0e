"""Search spaces as one HTML page: the picture, then facts and tables of each space. No network and no script needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE_SHEET = """
body { margin: 0; background: #f4f6f8; color: #1b2733; font: 15px/1.5 Inter, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 28px 20px 60px; }
section { background: white; border: 1px solid #e4e8ec; border-radius: 10px; padding: 20px 22px; margin: 0 0 18px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
h2 { font-size: 18px; margin: 0 0 8px; }
svg { max-width: 100%; height: auto; display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 20px; margin: 0; font-size: 14px; }
dt { color: #64748b; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin-top: 18px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 18px 4px 0; text-align: left; white-space: nowrap; border-bottom: 1px solid #eef1f4; }
th { color: #64748b; font-size: 12px; }
.right { text-align: right; }
"""


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
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE_SHEET}</style></head><body><main>",
            f'<h1 class="unseen">{escape(title)}</h1>',
            f"<section>{picture}</section>",
            *map(_part, parts),
            "</main></body></html>\n",
        ]
    )


def _part(part: PagePart) -> str:
    facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in part.facts)
    tables = "".join(map(_table, part.tables))
    return f"<section><h2>{escape(part.title)}</h2><dl>{facts}</dl>{tables}</section>"


def _table(table: PageTable) -> str:
    head = _cells("th", table.header, table.right)
    rows = "".join(f"<tr>{_cells('td', row, table.right)}</tr>" for row in table.rows)
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll">{body}</div>'


def _cells(tag: str, texts: Sequence[str], right: Sequence[bool]) -> str:
    opening = {True: f'<{tag} class="right">', False: f"<{tag}>"}
    return "".join(f"{opening[side]}{escape(text)}</{tag}>" for text, side in zip(texts, right, strict=True))
