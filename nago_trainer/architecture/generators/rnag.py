"""The hyperparameters of the flat generator (RNAG): three Watts–Strogatz graphs in sequence, one for each stage.

Called by `generators.py` and by `sample.sample_architecture`. Source: Xie, Kirillov, Girshick and He (2019), with the
nine hyperparameters of Ru, Esperança and Carlucci (2020), section 4. docs/generator.md says how sure the ranges are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from nago_trainer.architecture.theta import (
    HYPERPARAMETERS,
    Hyperparameter,
    Number,
    agree_on_proportions,
    agree_on_ring,
    check_all,
    group_values,
    real_number,
    whole_number,
)

STAGES = (1, 2, 3)
_SHARED = ("channel_ratio_", "operation_", "merge_")


def _graph(stage: int) -> tuple[Hyperparameter, ...]:
    return (
        whole_number(f"stage_{stage}_nodes", 1, 64, (10, 40)),
        whole_number(f"stage_{stage}_k", 0, 63, (2, 9)),
        real_number(f"stage_{stage}_p", 0.0, 1.0, (0.1, 0.9)),
    )


RNAG_HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    *(item for stage in STAGES for item in _graph(stage)),
    *(item for item in HYPERPARAMETERS if item.name.startswith(_SHARED)),
)
"""All 20, in the order in which every table and every file lists them; the last 11 are HNAG's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """What a Watts–Strogatz graph is drawn from."""

    nodes: int
    k: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RnagTheta:
    """A complete, legal theta. Ratios and weights need not be normalised here: only their proportions count."""

    graphs: tuple[Ring, ...]
    """Of the three stages."""
    channel_ratio: tuple[float, ...]
    """Proportions of the stages' channels."""
    operations: tuple[float, ...]
    """Weights of OPERATIONS, per node."""
    merges: tuple[float, ...]
    """Weights of MERGES, per node."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Number]) -> Self:
        """Raises ThetaError that names the missing, unknown or illegal hyperparameter."""
        values = check_all(mapping, RNAG_HYPERPARAMETERS)
        return cls(
            graphs=tuple(
                Ring(
                    nodes=int(values[f"stage_{stage}_nodes"]),
                    k=int(values[f"stage_{stage}_k"]),
                    p=values[f"stage_{stage}_p"],
                )
                for stage in STAGES
            ),
            channel_ratio=group_values(values, "channel_ratio"),
            operations=group_values(values, "operation"),
            merges=group_values(values, "merge"),
        )


def canonical_rnag(mapping: Mapping[str, Number]) -> dict[str, Number]:
    """The same theta with one spelling: see `generators.canonical`. Raises ThetaError as `RnagTheta.from_mapping`."""
    values = check_all(mapping, RNAG_HYPERPARAMETERS)
    for stage in STAGES:
        agree_on_ring(values, f"stage_{stage}")
    agree_on_proportions(values)
    return values
