"""How the surrogate is sampled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateOptions:
    """Hashable: one compiled program per value and size class."""

    heteroscedastic: bool = True
    """Noise depends on the input; otherwise it is one learnt number."""
    chains: int = 4
    """Independent, with starts of their own: what one chain misses, and what R-hat compares."""
    descent: int = 1000
    """First steps, at temperature 0: from the prior to a good fit, for which sampling alone takes many times longer.
    More of them end in fits without any error, from which sampling does not come back."""
    burn_in: int = 4000
    """Steps that adapt and are thrown away, the descent included; rounded up to a multiple of `thinning`."""
    draws: int = 100
    """Kept per chain for diagnostics."""
    thinning: int = 15
    networks: int = 128
    """Of all chains together, kept for predictions."""
    descent_step_size: float = 2e-2
    """At the first step; it falls to `step_size` by a constant factor per step of the descent."""
    step_size: float = 7e-3
    """Larger ones shake chains out of fits with little noise, whose energy is steep: noise is then overestimated."""
    friction: float = 0.05
    refits: int = 1
    """With other seeds, while a fit is bad."""
