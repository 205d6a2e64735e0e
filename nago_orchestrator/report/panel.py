"""What every figure module returns: a figure with its words, or the words that say why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    header: tuple[str, ...]
    """Empty where the rows speak for themselves."""
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    key: str
    """Anchor of the panel in the page."""
    title: str
    reading: str
    """One or two sentences: how to read the figure."""
    figure: go.Figure | None
    note: str | None = None
    """What was left out of the figure; without a figure, what is missing."""
    table: TextTable | None = None
    """The figure's data."""
