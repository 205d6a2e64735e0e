"""Saved networks as a table, and how to get those that are in a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.cli.output.say import say
from nago_orchestrator.cli.output.tables import Column, print_table
from nago_orchestrator.domain.kept_networks import FoundNetwork
from nago_orchestrator.formatting import quantities

FETCHING = "to get a file out of a claim, see `Fetch trained networks` in docs/operations.md"
NETWORKS = (
    Column(key="trial", title="trial"),
    Column(key="proposal", title="proposal"),
    Column(key="final_training", title="final", show=lambda final: "yes" if final else "no", right=False),
    Column(key="epochs", title="epochs"),
    Column(key="validation_accuracy", title="accuracy", show=quantities.percent),
    Column(key="validation_loss", title="loss", show=lambda loss: f"{loss:.4f}"),
    Column(key="parameters", title="params", show=quantities.count),
    Column(key="bytes_per_sample", title="memory", show=quantities.size),
    Column(key="file", title="file", right=False),
)


def print_networks(networks: Sequence[FoundNetwork]) -> None:
    """Below the table, where those are that are not on this machine."""
    print_table(networks, NETWORKS)
    tell_elsewhere(networks)


def tell_elsewhere(networks: Sequence[FoundNetwork]) -> None:
    """To the error stream, since it is no row."""
    away = [network for network in networks if network.file is None]
    for network in away:
        say(f"trial {network.trial}: {network.place}", err=True)
    if any(network.executor != "local" for network in away):
        say(FETCHING, err=True)
