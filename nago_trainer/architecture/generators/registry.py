"""Which network generators there are, and which of them a theta belongs to.

A theta names its generator by its hyperparameters: every generator has its own names for its graphs. So
stored thetas need no further mark, and whoever holds one can read it, spell it canonically and draw from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nago_trainer.architecture.generators.rnag import RNAG_HYPERPARAMETERS, RnagTheta, canonical_rnag
from nago_trainer.architecture.theta import HYPERPARAMETERS, HnagTheta, Hyperparameter, Number, canonical_hnag

Theta = HnagTheta | RnagTheta


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    name: str
    hyperparameters: tuple[Hyperparameter, ...]
    """In the order in which every table and every file lists them."""
    read: Callable[[Mapping[str, Number]], Theta]
    """Raises ThetaError that names the missing, unknown or illegal hyperparameter."""
    canonical: Callable[[Mapping[str, Number]], dict[str, Number]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.hyperparameters)


HNAG = Generator(name="hnag", hyperparameters=HYPERPARAMETERS, read=HnagTheta.from_mapping, canonical=canonical_hnag)
RNAG = Generator(
    name="rnag", hyperparameters=RNAG_HYPERPARAMETERS, read=RnagTheta.from_mapping, canonical=canonical_rnag
)
GENERATORS: Mapping[str, Generator] = {generator.name: generator for generator in (HNAG, RNAG)}

_RNAG_ALONE = frozenset(RNAG.names) - frozenset(HNAG.names)


def generator_of(mapping: Mapping[str, Number]) -> Generator:
    """RNAG if a hyperparameter of its graphs is there, else HNAG, whatever else is missing or wrong."""
    return RNAG if mapping.keys() & _RNAG_ALONE else HNAG


def read_theta(mapping: Mapping[str, Number]) -> Theta:
    """Raises ThetaError that names the missing, unknown or illegal hyperparameter."""
    return generator_of(mapping).read(mapping)


def canonical(mapping: Mapping[str, Number]) -> dict[str, Number]:
    """The same theta with one spelling: two thetas with equal canonical forms draw equal architectures.

    Watts–Strogatz: k becomes the degree that the ring really has (`ring_degree`). A rewiring or edge probability
    that cannot change the graph becomes 0. Stage ratios and the operation and merge weights sum to 1; channel
    ratios have the maximum 1. Idempotent. Raises ThetaError as `read_theta` does.
    """
    return generator_of(mapping).canonical(mapping)
