"""A trained network that was saved: whose it is, how good it is, and where its file is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNetwork:
    """One for each trial whose result names a file; the fields are the keys of JSON and CSV."""

    study: str
    trial: int
    proposal: int
    final_training: bool
    """Made by final training, not by the search."""
    epochs: int
    validation_accuracy: float
    validation_loss: float
    parameters: int
    bytes_per_sample: int | None
    attempt: str
    """Name of the attempt that saved it."""
    executor: str
    node: str | None
    network: str
    """Where its trainer saved it, as that one names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNetwork(KeptNetwork):
    file: str | None
    """Its absolute path on this machine; None where it is not here."""
    place: str
    """Where it is, in words: `here`, or what to look for."""
