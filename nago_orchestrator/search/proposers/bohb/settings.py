"""The settings of BOHB's density model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """HpBandSter's own names and defaults."""

    min_points_in_model: int | None = None
    """Evaluations at one fidelity before a model is fitted to it; None, and the least, is dimensions + 1."""
    top_n_percent: int = 15
    """Share of the evaluations that counts as good."""
    num_samples: int = 64
    """Candidates of which the one with the best density ratio is proposed."""
    random_fraction: float = 1 / 3
    """Share of proposals that ignore the model."""
    bandwidth_factor: float = 3.0
    """How much wider than the good density the candidates are drawn."""
    min_bandwidth: float = 1e-3
