"""One look for every figure: fonts, colours, and how much a browser is asked to draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import quantiles
from typing import Any, Protocol, TypeVar

import plotly.graph_objects as go
import plotly.io

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted


class HasFidelity(Protocol):
    @property
    def fidelity(self) -> int: ...


R = TypeVar("R", bound=HasFidelity)

INK = "#1f2933"
MUTED = "#7b8794"
FAINT = "#d9dee4"
ACCENT = "#d9480f"
"""Of the best, and of the Pareto front."""
FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Helvetica, Arial, sans-serif"
BAD = "#c92a2a"
PHASES = ("#4263eb", "#2b8a3e", "#ae3ec9", "#0b7285", "#846358")
"""Of a search's phases, in their order; other hues than those of fidelities and of the front."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "hexagon")
MOST_POINTS = 4000
"""Points of one figure beyond which it is thinned, and says so."""

LEAST_SPREAD = 0.02
"""Between quartiles, as a part of the median: among nearly equal values, none counts as far away."""

_LIGHT, _DARK = (155, 197, 232), (13, 59, 110)


def fidelity_colours(fidelities: Iterable[int]) -> dict[int, str]:
    """From light (few epochs) to dark (many)."""
    ordered = sorted(set(fidelities))
    steps = max(len(ordered) - 1, 1)
    shares = [index / steps if len(ordered) > 1 else 1.0 for index in range(len(ordered))]
    return {fidelity: _blend(share) for fidelity, share in zip(ordered, shares, strict=True)}


def fidelity_symbols(fidelities: Iterable[int]) -> dict[int, str]:
    return {fidelity: SYMBOLS[index % len(SYMBOLS)] for index, fidelity in enumerate(sorted(set(fidelities)))}


def _blend(share: float) -> str:
    return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in zip(_LIGHT, _DARK, strict=True))


def phase_colour(phase: int) -> str:
    return PHASES[phase % len(PHASES)]


def phase_label(phase: int, phases: Sequence[str]) -> str:
    """`phases`: the algorithm of each; a search without phases is called by its algorithm alone."""
    name = phases[phase] if phase < len(phases) else ""
    return name if len(phases) == 1 and name else f"phase {phase + 1} {name}".rstrip()


def objective_axis(name: str) -> dict[str, str]:
    """Title and ticks of an axis in the objective's unit."""
    unit = quantities.UNITS[name]
    title = f"{name} ({unit.of_axis})" if unit.of_axis else name
    return {"title_text": title, **({"tickformat": "~%"} if unit.as_percent else {"exponentformat": "SI"})}


def objective_words(objective: Objective, values: Mapping[str, float]) -> str:
    """For what is shown where the mouse points."""
    return f"{objective.name} <b>{quantities.objective(objective.name, values[objective.name])}</b>"


def whole_ticks(values: Iterable[float]) -> dict[str, int]:
    """Of an axis on which only integers lie: one at each, or at every second and so on; else nothing."""
    known = list(values)
    if not known or any(value != int(value) for value in known):
        return {}
    return {"dtick": max(1, math.ceil((max(known) - min(known)) / 5)), "tick0": int(min(known))}


def pale(colour: str) -> str:
    """The colour as it looks through mist, for what is dominated."""
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 - 0.35 * (255 - part)):02x}" for part in parts)


def epochs_label(fidelity: int, run_of: int | None = None) -> str:
    """`run_of`: epochs of the run of which they may be a part."""
    part = "" if run_of in (None, fidelity) else f" of a run of {run_of}"
    return f"{counted(fidelity, 'epoch')}{part}"


_AXIS: dict[str, Any] = {
    "gridcolor": "#eef1f4",
    "linecolor": FAINT,
    "zeroline": False,
    "ticks": "outside",
    "tickcolor": FAINT,
    "title": {"font": {"size": 13, "color": MUTED}},
    "automargin": True,
}
_LOOK = go.layout.Template(plotly.io.templates["plotly"])
_LOOK.update(
    layout={
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "margin": {"l": 70, "r": 24, "t": 44, "b": 56},
        "hoverlabel": {"bgcolor": "white", "font": {"family": FONT, "size": 12, "color": INK}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": {"text": ""}},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    },
    # A point at the edge is drawn whole; one beyond it not at all.
    data={"scatter": [{"cliponaxis": False}]},
)
# A template holds for every axis, and as the default it is checked once: to set each property of each axis of each
# figure took longer than all the rest of the page.
plotly.io.templates["nago"] = _LOOK
plotly.io.templates.default = "nago"


def new_figure(*, x: str, y: str, height: int = 430) -> go.Figure:
    """An empty figure with the report's look and titled axes."""
    figure = go.Figure()
    dress(figure, height=height)
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    return figure


def dress(figure: go.Figure, *, height: int) -> None:
    """Its height; the rest of the look is the library's default template."""
    figure.layout.height = height


def focus(groups: Iterable[Sequence[float]], goal: Goal) -> tuple[list[float] | None, int]:
    """Range of an axis that leaves far outliers on the bad side out, and how many; None where there are none.

    Far is three interquartile ranges beyond the quartile of its group (Tukey's outer fence): a diverged training, say.
    """
    inside: list[float] = []
    total = 0
    for values in groups:
        fence = _fence(values, goal)
        inside += [value for value in values if (value >= fence if goal is Goal.MAXIMIZE else value <= fence)]
        total += len(values)
    left_out = total - len(inside)
    if not left_out:
        return None, 0
    return padded(min(inside), max(inside)), left_out


def padded(low: float, high: float, share: float = 0.06) -> list[float]:
    """The range of an axis from `low` to `high` with room at both ends; around a single value, a tenth of it."""
    pad = share * (high - low) or 0.1 * abs(high) or 0.01
    return [low - pad, high + pad]


def around(values: Iterable[float]) -> list[float] | None:
    """The range of an axis on which all values are the same; None of others, for which the library finds a good one."""
    known = set(values)
    return padded(min(known), max(known)) if len(known) == 1 else None


def _fence(values: Sequence[float], goal: Goal) -> float:
    if len(values) < 8:
        return -math.inf if goal is Goal.MAXIMIZE else math.inf
    low, middle, high = quantiles(values, n=4)
    reach = 3 * max(high - low, LEAST_SPREAD * abs(middle))
    return low - reach if goal is Goal.MAXIMIZE else high + reach


def by_fidelity(rows: Iterable[R], value: Callable[[R], float]) -> list[list[float]]:
    """The values of each fidelity's rows, lowest fidelity first."""
    groups: dict[int, list[float]] = {}
    for row in rows:
        groups.setdefault(row.fidelity, []).append(value(row))
    return [groups[fidelity] for fidelity in sorted(groups)]


def outside(left_out: int, axis: str = "the vertical axis") -> str:
    """The sentence that owns up to `focus`."""
    points = "1 point is" if left_out == 1 else f"{left_out:,} points are"
    return f"{points} far outside the range of {axis}; double-click the figure to show all."


def joined(*sentences: str | None) -> str | None:
    """The sentences that there are, as one note."""
    return " ".join(sentence for sentence in sentences if sentence) or None
