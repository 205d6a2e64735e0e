"""The settings of the densities that new thetas are drawn from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityOptions:
    """Measured by `benchmarks/mobohb.py`; the shares are those of BOHB and MOTPE in magnitude."""

    good_share: float = 0.15
    """Of the thetas, those that count as good; never fewer than the dimensions plus one."""
    candidates: int = 64
    random_share: float = 0.1
    """Of new thetas, those that are drawn uniformly without asking the densities."""
    smallest_width: float = 0.03
    """Of a kernel, in the unit cube."""
    widening: float = 1.2
    """Of the kernels when candidates are drawn."""
