"""The hyperparameters of the hierarchical generator (HNAG): names, legal values, the paper's ranges, canonical form.

Called by `generators.py`, which knows all generators, and by `sample.sample_architecture`; `rnag.py` shares the ratios
and weights. Source: Ru, Esperança and Carlucci (2020), section 2.1 and appendix E.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

Number = int | float

OPERATIONS = ("conv1x1", "conv3x3", "conv5x5", "pool3x3", "pool5x5")
MERGES = ("weighted_sum", "attention_sum", "concat")

_SUM_TOLERANCE = 1e-12


class ThetaError(ValueError):
    """A hyperparameter is missing, unknown or outside its legal values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One dimension of theta: what is legal, and what the paper does with it."""

    name: str
    kind: Literal["int", "float"]
    low: Number
    """Smallest legal value; wider than the paper's range."""
    high: Number
    """Largest legal value, may be infinite."""
    default: tuple[Number, Number] | Number
    """The paper's choice: the range (low, high) that it searches, or the value that it fixes."""

    @property
    def is_searched(self) -> bool:
        return isinstance(self.default, tuple)

    def check(self, value: object) -> Number:
        """The value as this hyperparameter's own type. Raises ThetaError unless it is a legal number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ThetaError(f"{self.name} must be {self._legal()}, found {value!r}")
        if self.kind == "int" and value != int(value):
            raise ThetaError(f"{self.name} must be {self._legal()}, found {value!r}")
        return int(value) if self.kind == "int" else float(value)

    def _legal(self) -> str:
        noun = "an integer" if self.kind == "int" else "a number"
        return f"{noun} from {self.low:g} to {self.high:g}"


def whole_number(name: str, low: int, high: int, default: tuple[int, int]) -> Hyperparameter:
    return Hyperparameter(name=name, kind="int", low=low, high=high, default=default)


def real_number(name: str, low: float, high: float, default: tuple[float, float] | float) -> Hyperparameter:
    return Hyperparameter(name=name, kind="float", low=low, high=high, default=default)


SMALLEST_RATIO, LARGEST_RATIO = 1e-6, 1e6
"""Of the channel ratios; a stage with a millionth of the widest one's channels has one channel anyway."""

HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    whole_number("top_nodes", 1, 64, (3, 10)),
    whole_number("top_k", 0, 63, (2, 5)),
    real_number("top_p", 0.0, 1.0, (0.1, 0.9)),
    whole_number("mid_nodes", 1, 64, (1, 10)),
    real_number("mid_p", 0.0, 1.0, (0.1, 0.9)),
    whole_number("bottom_nodes", 1, 64, (3, 10)),
    whole_number("bottom_k", 0, 63, (2, 5)),
    real_number("bottom_p", 0.0, 1.0, (0.1, 0.9)),
    *(real_number(f"stage_ratio_{stage}", 0.0, LARGEST_RATIO, 1 / 3) for stage in (1, 2, 3)),
    *(real_number(f"channel_ratio_{stage}", SMALLEST_RATIO, LARGEST_RATIO, 2.0 ** (stage - 1)) for stage in (1, 2, 3)),
    *(real_number(f"operation_{name}", 0.0, LARGEST_RATIO, float(name == "conv3x3")) for name in OPERATIONS),
    *(real_number(f"merge_{name}", 0.0, LARGEST_RATIO, float(name == "weighted_sum")) for name in MERGES),
)
"""All 22, in the order in which every table and every file lists them."""

POSITIVE_SUMS = ("stage_ratio", "operation", "merge")
"""Groups of which only the proportions count, and of which one must be above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HnagTheta:
    """A complete, legal theta. Ratios and weights need not be normalised here: only their proportions count."""

    top_nodes: int
    top_k: int
    top_p: float
    mid_nodes: int
    mid_p: float
    bottom_nodes: int
    bottom_k: int
    bottom_p: float
    stage_ratio: tuple[float, ...]
    """Share of the top nodes in each stage."""
    channel_ratio: tuple[float, ...]
    """Proportions of the stages' channels."""
    operations: tuple[float, ...]
    """Weights of OPERATIONS, per bottom node."""
    merges: tuple[float, ...]
    """Weights of MERGES, per node of any level."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Number]) -> Self:
        """Raises ThetaError that names the missing, unknown or illegal hyperparameter."""
        values = check_all(mapping, HYPERPARAMETERS)
        numbers = list(values.values())
        top_nodes, top_k, top_p, mid_nodes, mid_p, bottom_nodes, bottom_k, bottom_p = numbers[:8]
        return cls(
            top_nodes=int(top_nodes),
            top_k=int(top_k),
            top_p=top_p,
            mid_nodes=int(mid_nodes),
            mid_p=mid_p,
            bottom_nodes=int(bottom_nodes),
            bottom_k=int(bottom_k),
            bottom_p=bottom_p,
            stage_ratio=group_values(values, "stage_ratio"),
            channel_ratio=group_values(values, "channel_ratio"),
            operations=group_values(values, "operation"),
            merges=group_values(values, "merge"),
        )


def canonical_hnag(mapping: Mapping[str, Number]) -> dict[str, Number]:
    """The same theta with one spelling: see `generators.canonical`. Raises ThetaError as `HnagTheta.from_mapping`."""
    values = check_all(mapping, HYPERPARAMETERS)
    for level in ("top", "bottom"):
        agree_on_ring(values, level)
    if values["mid_nodes"] == 1:
        values["mid_p"] = 0.0
    agree_on_proportions(values)
    return values


def agree_on_ring(values: dict[str, Number], graph: str) -> None:
    """Changes k of a Watts–Strogatz graph to the degree that its ring has, and to 0 a p that cannot change it."""
    nodes = int(values[f"{graph}_nodes"])
    degree = ring_degree(nodes, int(values[f"{graph}_k"]))
    values[f"{graph}_k"] = degree
    if degree in (0, nodes - 1):
        values[f"{graph}_p"] = 0.0


def agree_on_proportions(values: dict[str, Number]) -> None:
    """Changes the groups of POSITIVE_SUMS that are there to the sum 1, and the channel ratios to the maximum 1."""
    for prefix in POSITIVE_SUMS:
        if names := group_names(values, prefix):
            values.update(zip(names, normalised([values[name] for name in names]), strict=True))
    names = group_names(values, "channel_ratio")
    values.update(zip(names, scaled_to_maximum([values[name] for name in names]), strict=True))


def ring_degree(nodes: int, k: int) -> int:
    """Neighbours that each node of the Watts–Strogatz ring has before rewiring.

    k is limited by nodes - 1; the ring joins k // 2 neighbours on each side, so an odd k means k - 1. One node has
    none, two nodes always have their one edge.
    """
    if nodes <= 2:
        return nodes - 1
    limited = min(k, nodes - 1)
    return limited - limited % 2


def normalised(weights: Sequence[Number]) -> list[float]:
    """Scaled to the sum 1; left alone where that is so already, so that doing it twice changes nothing."""
    total = math.fsum(weights)
    if abs(total - 1.0) <= _SUM_TOLERANCE:
        return [float(weight) for weight in weights]
    return [weight / total for weight in weights]


def scaled_to_maximum(ratios: Sequence[Number]) -> list[float]:
    """Scaled to the maximum 1, and none below SMALLEST_RATIO, so that the result is legal again."""
    largest = max(ratios)
    return [max(ratio / largest, SMALLEST_RATIO) for ratio in ratios]


def group_names(names: Iterable[str], prefix: str) -> list[str]:
    """Those of the names that belong to a group, in their order: "operation" has operation_conv1x1 and four more."""
    return [name for name in names if name.startswith(f"{prefix}_")]


def group_values(values: Mapping[str, Number], prefix: str) -> tuple[float, ...]:
    return tuple(float(values[name]) for name in group_names(values, prefix))


def check_all(mapping: Mapping[str, Number], hyperparameters: Sequence[Hyperparameter]) -> dict[str, Number]:
    """The values in the order of the hyperparameters. Raises ThetaError for what is missing, unknown or illegal."""
    known = {item.name for item in hyperparameters}
    unknown = sorted(mapping.keys() - known)
    missing = [item.name for item in hyperparameters if item.name not in mapping]
    if unknown:
        raise ThetaError(f"theta has an unknown hyperparameter: {unknown[0]}")
    if missing:
        raise ThetaError(f"theta has no value for the hyperparameter {missing[0]}")
    values = {item.name: item.check(mapping[item.name]) for item in hyperparameters}
    for prefix in POSITIVE_SUMS:
        weights = group_values(values, prefix)
        if weights and not any(weights):
            raise ThetaError(f"theta has the weight 0 for every {prefix}, and at least one must be above 0")
    return values
