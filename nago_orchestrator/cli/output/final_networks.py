"""The networks that were trained in full, as `best` and `pareto` show them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from statistics import fmean, stdev

import typer

from nago_orchestrator.cli.output.tables import Column, Row, print_table
from nago_orchestrator.domain.rows import FullTraining
from nago_orchestrator.formatting import quantities

TRAINED = (
    Column(key="parent", title="generator"),
    Column(key="epochs", title="epochs"),
    Column(key="networks", title="networks"),
    Column(key="finished", title="finished"),
    Column(key="accuracy", title="accuracy", show=quantities.percent),
    Column(key="deviation", title="std", show=quantities.percent),
    Column(key="best", title="best trial"),
    Column(key="network", title="its network", right=False),
)


def print_trained(trained: Sequence[FullTraining]) -> None:
    """The networks that were trained in full, of each generator; nothing where there are none."""
    if trained:
        typer.echo("\ntrained in full")
        print_table([_summary(row) for row in trained], TRAINED)


def _summary(row: FullTraining) -> Row:
    """Mean and spread over the networks that are trained, and the best of them."""
    done = [(trial.validation_accuracy, trial) for trial in row.trials if trial.validation_accuracy is not None]
    accuracies = [accuracy for accuracy, _ in done]
    _, top = max(done, key=itemgetter(0), default=(None, None))
    return {
        "parent": row.parent,
        "epochs": row.epochs,
        "networks": len(row.trials),
        "finished": len(done),
        "accuracy": fmean(accuracies) if accuracies else None,
        "deviation": stdev(accuracies) if len(accuracies) > 1 else None,
        "best": top and top.trial,
        "network": top and top.network,
    }
