"""The search space of a study: which hyperparameters are searched, in which range, and which stay fixed.

The study file builds it; proposers draw in it; every theta in the store went through `SearchSpace.theta`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nago_orchestrator.errors import SpecError
from nago_trainer.architecture.generators.registry import GENERATORS
from nago_trainer.architecture.theta import Hyperparameter, ThetaError


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerRange:
    """All integers from low to high, both included."""

    name: str
    low: int
    high: int

    def __post_init__(self) -> None:
        _check_order(self.name, self.low, self.high)

    def cast(self, value: float) -> int:
        """The nearest integer of the range, as Python's own type."""
        return min(max(round(float(value)), self.low), self.high)

    def sample(self, rng: np.random.Generator) -> int:
        return int(rng.integers(self.low, self.high, endpoint=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatRange:
    """The closed interval from low to high."""

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        _check_order(self.name, self.low, self.high)

    def cast(self, value: float) -> float:
        """The nearest number of the range, as Python's own type."""
        return min(max(float(value), self.low), self.high)

    def sample(self, rng: np.random.Generator) -> float:
        return self.cast(rng.uniform(self.low, self.high))


Dimension = IntegerRange | FloatRange


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Dimensions and fixed values together name every hyperparameter of the generator exactly once."""

    generator: str
    """One of GENERATORS."""
    connected: bool
    """Whether disconnected graphs are drawn again."""
    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, float | int]
    _template: dict[str, float | int] = field(init=False, repr=False, compare=False)
    """A theta in the generator's order, the fixed values as checked; thousands of them are made."""

    def __post_init__(self) -> None:
        if self.generator not in GENERATORS:
            raise SpecError(f"there is no generator {self.generator}", do=f"choose one of {', '.join(GENERATORS)}")
        searched = [dimension.name for dimension in self.dimensions]
        names = [*searched, *self.fixed]
        known = {hyperparameter.name for hyperparameter in self.hyperparameters}
        _refuse("is not a hyperparameter of the generator", [name for name in names if name not in known])
        _refuse("has both a range and a fixed value", [name for name in names if names.count(name) > 1])
        _refuse("has neither a range nor a fixed value", [name for name in known if name not in names])
        self._check_legal()
        lowest = {dimension.name: dimension.low for dimension in self.dimensions}
        complete = {**self.fixed, **lowest}
        template = {item.name: item.check(complete[item.name]) for item in self.hyperparameters}
        object.__setattr__(self, "_template", template)

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """All of the generator's, searched or fixed, in its order."""
        return GENERATORS[self.generator].hyperparameters

    def theta(self, values: Mapping[str, float | int]) -> dict[str, float | int]:
        """The searched values, cast into their ranges, and the fixed ones, in the generator's order.

        Raises KeyError if a searched hyperparameter is missing from `values`.
        """
        searched = self.searched(values)
        checked = {
            hyperparameter.name: hyperparameter.check(searched[hyperparameter.name])
            for hyperparameter in self.hyperparameters
            if hyperparameter.name in searched
        }
        return {**self._template, **checked}

    def complete(self, searched: Mapping[str, float | int]) -> dict[str, float | int]:
        """As `theta`, of values that `searched` has given: they need no second look."""
        return {**self._template, **searched}

    def searched(self, values: Mapping[str, float | int]) -> dict[str, float | int]:
        """The dimensions' values alone, e.g. of a theta, cast into their ranges."""
        return {dimension.name: dimension.cast(values[dimension.name]) for dimension in self.dimensions}

    def sample(self, rng: np.random.Generator) -> dict[str, float | int]:
        """A theta drawn uniformly and independently in every dimension."""
        return self.theta({dimension.name: dimension.sample(rng) for dimension in self.dimensions})

    def _check_legal(self) -> None:
        bounds = {dimension.name: (dimension.low, dimension.high) for dimension in self.dimensions}
        try:
            for hyperparameter in self.hyperparameters:
                for value in bounds.get(hyperparameter.name) or (self.fixed[hyperparameter.name],):
                    hyperparameter.check(value)
        except ThetaError as error:
            raise SpecError(f"invalid search space: {error}") from error
        whole = {item.name for item in self.hyperparameters if item.kind == "int"}
        wrong = [item.name for item in self.dimensions if isinstance(item, IntegerRange) is not (item.name in whole)]
        _refuse("has a range of the wrong kind: integers for node counts and k, floats for all others", wrong)


def _check_order(name: str, low: float, high: float) -> None:
    if not low < high:
        raise SpecError(
            f"the range of {name} is empty: {low} is not below {high}", do="give a fixed value or a wider range"
        )


def _refuse(complaint: str, names: list[str]) -> None:
    if names:
        raise SpecError(f"invalid search space: {sorted(names)[0]} {complaint}")
