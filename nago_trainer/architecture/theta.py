"""The hyperparameters of the hierarchical generator (HNAG): names, legal values, the paper's ranges, canonical form.

Called by the search space (which names exist, what is searched by default) and by `sample.sample_architecture`.
Source: Ru, Esperança and Carlucci (2020), section 2.1 and appendix E.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
            raise ThetaError(f"{self.name} is {value!r}, it must be {self._legal()}")
        if self.kind == "int" and value != int(value):
            raise ThetaError(f"{self.name} is {value!r}, it must be {self._legal()}")
        return int(value) if self.kind == "int" else float(value)

    def _legal(self) -> str:
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {self.low:g} to {self.high:g}"


def _int(name: str, low: int, high: int, default: tuple[int, int]) -> Hyperparameter:
    return Hyperparameter(name=name, kind="int", low=low, high=high, default=default)


def _float(name: str, low: float, high: float, default: tuple[float, float] | float) -> Hyperparameter:
    return Hyperparameter(name=name, kind="float", low=low, high=high, default=default)


SMALLEST_RATIO, LARGEST_RATIO = 1e-6, 1e6
"""Of the channel ratios; a stage with a millionth of the widest one's channels has one channel anyway."""

HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    _int("top_nodes", 1, 64, (3, 10)),
    _int("top_k", 0, 63, (2, 5)),
    _float("top_p", 0.0, 1.0, (0.1, 0.9)),
    _int("mid_nodes", 1, 64, (1, 10)),
    _float("mid_p", 0.0, 1.0, (0.1, 0.9)),
    _int("bottom_nodes", 1, 64, (3, 10)),
    _int("bottom_k", 0, 63, (2, 5)),
    _float("bottom_p", 0.0, 1.0, (0.1, 0.9)),
    *(_float(f"stage_ratio_{stage}", 0.0, LARGEST_RATIO, 1 / 3) for stage in (1, 2, 3)),
    *(_float(f"channel_ratio_{stage}", SMALLEST_RATIO, LARGEST_RATIO, 2.0 ** (stage - 1)) for stage in (1, 2, 3)),
    *(_float(f"operation_{name}", 0.0, LARGEST_RATIO, float(name == "conv3x3")) for name in OPERATIONS),
    *(_float(f"merge_{name}", 0.0, LARGEST_RATIO, float(name == "weighted_sum")) for name in MERGES),
)
"""All 22, in the order in which every table and every file lists them."""


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
        values = _check_all(mapping)
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
            stage_ratio=_group(values, "stage_ratio"),
            channel_ratio=_group(values, "channel_ratio"),
            operations=_group(values, "operation"),
            merges=_group(values, "merge"),
        )


def canonical(mapping: Mapping[str, Number]) -> dict[str, Number]:
    """The same generator with one spelling: two thetas with equal canonical forms draw equal architectures.

    Watts–Strogatz: k becomes the degree that the ring really has (`ring_degree`). A rewiring or edge probability
    that cannot change the graph becomes 0. Stage ratios and the operation and merge weights sum to 1; channel
    ratios have the maximum 1. Idempotent. Raises ThetaError as `HnagTheta.from_mapping` does.
    """
    values = _check_all(mapping)
    for level in ("top", "bottom"):
        nodes = int(values[f"{level}_nodes"])
        degree = ring_degree(nodes, int(values[f"{level}_k"]))
        values[f"{level}_k"] = degree
        if degree in (0, nodes - 1):
            values[f"{level}_p"] = 0.0
    if values["mid_nodes"] == 1:
        values["mid_p"] = 0.0
    for prefix in ("stage_ratio", "operation", "merge"):
        names = _names(prefix)
        values.update(zip(names, normalised([values[name] for name in names]), strict=True))
    names = _names("channel_ratio")
    values.update(zip(names, scaled_to_maximum([values[name] for name in names]), strict=True))
    return values


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


def _names(prefix: str) -> list[str]:
    return [item.name for item in HYPERPARAMETERS if item.name.startswith(f"{prefix}_")]


def _group(values: Mapping[str, Number], prefix: str) -> tuple[float, ...]:
    return tuple(float(values[name]) for name in _names(prefix))


def _check_all(mapping: Mapping[str, Number]) -> dict[str, Number]:
    known = {item.name for item in HYPERPARAMETERS}
    unknown = sorted(mapping.keys() - known)
    missing = [item.name for item in HYPERPARAMETERS if item.name not in mapping]
    if unknown:
        raise ThetaError(f"theta has the unknown hyperparameter {unknown[0]}")
    if missing:
        raise ThetaError(f"theta lacks the hyperparameter {missing[0]}")
    values = {item.name: item.check(mapping[item.name]) for item in HYPERPARAMETERS}
    for prefix in ("stage_ratio", "operation", "merge"):
        if not any(values[name] for name in _names(prefix)):
            raise ThetaError(f"theta gives every {prefix} the weight 0, at least one must be above")
    return values
