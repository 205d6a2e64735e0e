"""The networks of the final training, as `best` and `pareto` show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, print_table
from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.formatting import quantities
from nago_orchestrator.services.best_generator import final_summaries

TRAINED = (
    Column(key="generator", title="generator", right=False),
    Column(key="epochs", title="epochs"),
    Column(key="networks", title="networks"),
    Column(key="finished", title="finished"),
    Column(key="accuracy", title="accuracy", show=quantities.percent),
    Column(key="deviation", title="std", show=quantities.percent),
    Column(key="memory", title="memory", show=quantities.size),
    Column(key="memory_deviation", title="std", show=quantities.size),
    Column(key="parameters", title="params", show=quantities.count),
    Column(key="flops", title="flops", show=quantities.count),
    Column(key="best", title="best trial"),
    Column(key="network", title="its file", right=False),
)


def print_trained(trained: Sequence[FinalTraining], places: Mapping[int, str]) -> None:
    """The networks of each generator; nothing without any. `places`: by trial, the file of its network."""
    if trained:
        say("\nfinal training")
        print_table(final_summaries(trained, places), TRAINED)
