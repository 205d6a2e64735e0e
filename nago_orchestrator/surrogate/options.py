"""How the surrogate is sampled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateOptions:
    """Hashable: one compiled program per value and size class."""

    heteroscedastic: bool = True
    """Noise depends on the input; otherwise it is one learnt number."""
    chains: int = 8
    """Independent, with starts of their own: what one chain misses, and what R-hat compares."""
    descent: int = 1000
    """First steps, at temperature 0: from the prior to a good fit, for which sampling alone takes many times longer."""
    burn_in: int = 2000
    """Steps that adapt and are thrown away, the descent included."""
    draws: int = 100
    """Kept per chain for diagnostics."""
    thinning: int = 10
    networks: int = 128
    """Of all chains together, kept for predictions."""
    step_size: float = 1e-2
    friction: float = 0.05
    refits: int = 1
    """With other seeds, while a fit is bad."""
