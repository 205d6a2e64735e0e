"""A trial's saved network as a file for other programs. Called by `nago-orch export-network`."""

from __future__ import annotations

from pathlib import Path

from nago_orchestrator.errors import InputError, NotFoundError
from nago_orchestrator.executors.local.network_export import export_network
from nago_orchestrator.services.kept_networks import found_networks
from nago_orchestrator.store import queries
from nago_orchestrator.store.engine import OpenDatabase

BY_HAND = (
    "copy the file here (from a cluster: `Fetch trained networks` in docs/operations.md), and run "
    "`nago-train export network.pt --format FORMAT` on it"
)


def network_file(engine: OpenDatabase, url: str, study: str, number: int) -> Path:
    """Of a trial, on this machine. Raises NotFoundError without a saved network, InputError where it is elsewhere."""
    queries.show_trial(engine, study, number)  # a trial that is not there has a sentence of its own
    found = next(iter(found_networks(engine, url, study, [number])), None)
    if found is None:
        raise NotFoundError(
            f"the trial {study}/{number} has no saved network", do=f"`nago-orch networks {study}` lists those that have"
        )
    if found.file is None:
        raise InputError(
            f"the network of the trial {study}/{number} is not on this machine", where=found.place, do=BY_HAND
        )
    return Path(found.file)


def export_trial(engine: OpenDatabase, url: str, study: str, number: int, options: list[str]) -> str:
    """What was written, in one line. Raises as `network_file`, and what the trainer says where it cannot do it.

    The trainer refuses a file that another trial saved: where the file is said to be is a text of the trial's own.
    """
    return export_network(network_file(engine, url, study, number), ["--trial", f"{study}/{number}", *options])
