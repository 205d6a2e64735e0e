"""What the networks of the final training get right and wrong, by class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from nago_orchestrator.evaluation.class_tables import ClassRow, class_rows, worst_first
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.style import new_figure
from nago_trainer.contract.class_details import ClassDetails

TITLE = "Classes of the final networks"
READING = (
    "Rows are the true classes, columns the answers of the networks of the final training, all networks together; a "
    "row adds up to 100 %. The table lists the classes that are recognised worst."
)
MOST_DRAWN = 60
"""Classes of a figure in which one still sees something."""
MOST_LISTED = 20


def classes(details: Mapping[int, ClassDetails]) -> Panel | None:
    """`details`: by trial. None without any; of networks with other classes than the first one's, nothing."""
    first = next(iter(details.values()), None)
    if first is None:
        return None
    alike = [found for found in details.values() if found.class_names == first.class_names]
    confusion = sum((_matrix(found) for found in alike), start=np.zeros_like(_matrix(first)))
    rows = worst_first(class_rows(_together(first, confusion)))
    trial = next(iter(details))
    where = f"nago-orch show {trial} --details misclassified"
    return Panel(
        key="classes",
        title=TITLE,
        reading=READING,
        figure=_figure(first.class_names, confusion) if len(first.class_names) <= MOST_DRAWN else None,
        note=f"Of {counted(len(alike), 'network')}, on the {first.measured_on} images. Files of one of them: {where}",
        table=TextTable(
            header=("class", "images", "accuracy", "most often mistaken for"),
            rows=tuple(_cells(row, len(alike)) for row in rows[:MOST_LISTED]),
        ),
    )


def _matrix(details: ClassDetails) -> NDArray[np.int64]:
    """Without the rarest confusions where there are very many."""
    matrix = np.diag(np.array(details.correct, dtype=np.int64))
    for label, answer, images in details.confusions:
        matrix[label, answer] += images
    return matrix


def _together(first: ClassDetails, confusion: NDArray[np.int64]) -> ClassDetails:
    places = [(int(row), int(column)) for row, column in np.argwhere(confusion) if row != column]
    pairs = [(row, column, int(confusion[row, column])) for row, column in places]
    return ClassDetails(
        measured_on=first.measured_on,
        class_names=first.class_names,
        images=tuple(confusion.sum(axis=1).tolist()),
        correct=tuple(np.diag(confusion).tolist()),
        confusions=tuple(sorted(pairs, key=lambda entry: (-entry[2], entry[:2]))),
        misclassified=(),
    )


def _figure(names: tuple[str, ...], confusion: NDArray[np.int64]) -> go.Figure:
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    figure = new_figure(x="answer", y="class", height=430)
    figure.add_trace(
        go.Heatmap(
            z=shares.tolist(),
            customdata=confusion.tolist(),
            colorscale=[[0.0, "#ffffff"], [1.0, "#d9480f"]],
            zmin=0.0,
            zmax=1.0,
            hovertemplate="%{y} taken for %{x}: <b>%{z:.2%}</b> (%{customdata} images)<extra></extra>",
        )
    )
    places = list(range(len(names)))
    figure.update_xaxes(tickvals=places, ticktext=list(names))
    figure.update_yaxes(tickvals=places, ticktext=list(names), autorange="reversed")
    return figure


def _cells(row: ClassRow, networks: int) -> tuple[str, ...]:
    accuracy = "-" if row.accuracy is None else quantities.percent(row.accuracy)
    return row.class_name, quantities.count(row.images / networks), accuracy, row.taken_for or "-"
