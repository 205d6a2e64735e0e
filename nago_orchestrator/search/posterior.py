"""The posterior of a surrogate about a study's generators: their means, and the effect of each hyperparameter.

Pure: rows in, values out, the fit is given. The commands `best --posterior` and `report` call it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.domain.space import Dimension, IntegerRange, SearchSpace
from nago_orchestrator.evaluation.generator_results import Found
from nago_orchestrator.evaluation.thinning import evenly
from nago_orchestrator.search.acquisition.scaling import Scaling, scaling_of
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.surrogate.port import Fit, Surrogate

Array = NDArray[np.float64]

MOST_EVALUATIONS = 1000
"""That a surrogate is fitted to: of more, so many are taken evenly."""
GRID = 15
"""Values of each hyperparameter at which its effect is computed; an integer range with fewer values has them all."""
BACKGROUND = 48
"""Evaluated thetas over which an effect is averaged."""
FUNCTIONS = 64
"""Functions drawn from the posterior for the band of an effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedPosterior:
    """A surrogate with the evaluations that it was fitted to."""

    surrogate: Surrogate
    scaling: Scaling
    encoding: Encoding
    objectives: tuple[Objective, ...]
    rows: tuple[EvaluationRow, ...]
    """The evaluations."""
    problem: str | None
    """Why the fit is unreliable, in one sentence."""

    def values(self, costs: Array, place: int) -> Array:
        """Scaled costs of one objective in its own units, as the user knows them."""
        turned = -1.0 if self.objectives[place].goal is Goal.MAXIMIZE else 1.0
        return np.asarray(turned * (self.scaling.centre[place] + self.scaling.deviation[place] * costs))


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorPosterior:
    """About the first objective of a generator that was evaluated; in the objective's units."""

    found: Found
    observed: float | None
    """Mean over its evaluations, each as often as it has networks."""
    mean: float
    """Of the posterior: what its networks reach on average."""
    epistemic: float
    """Standard deviation of that mean: what more evaluations would remove."""
    aleatoric: float
    """Standard deviation between its networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Partial dependence of one objective on one hyperparameter, the others as in the thetas that were evaluated."""

    hyperparameter: str
    objective: str
    at: tuple[float, ...]
    mean: tuple[float, ...]
    """Posterior mean, averaged over the thetas; in the objective's units."""
    deviation: tuple[float, ...]
    """Between functions of the posterior."""

    @property
    def range(self) -> float:
        """How much the hyperparameter matters."""
        return max(self.mean) - min(self.mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorEffects:
    """All effects, for the report."""

    fidelity: int
    evaluations: int
    effects: tuple[Effect, ...]
    problem: str | None
    """Why the fit is unreliable."""


def fit_posterior(
    rows: Sequence[EvaluationRow], objectives: Sequence[Objective], space: SearchSpace, fit: Fit, seed: int
) -> FittedPosterior:
    """`rows`: all at one fidelity, all ok, at least one."""
    encoding = Encoding(space)
    chosen = evenly(rows, MOST_EVALUATIONS)
    costs = np.array([row.costs[: len(objectives)] for row in chosen], dtype=np.float64)
    scaling = scaling_of(costs)
    samples = np.array([row.samples for row in chosen], dtype=np.float64)
    fitted = fit(encoding.encode([row.theta for row in chosen]), scaling.forward(costs), samples, seed)
    return FittedPosterior(
        surrogate=fitted.surrogate,
        scaling=scaling,
        encoding=encoding,
        objectives=tuple(objectives),
        rows=tuple(chosen),
        problem=fitted.problem,
    )


def rank_generators(fitted: FittedPosterior, found: Sequence[Found]) -> tuple[GeneratorPosterior, ...]:
    """By the posterior mean of the first objective, the best first; of equals the one evaluated first."""
    points = fitted.encoding.encode([generator.theta for generator in found])
    prediction = fitted.surrogate.predict(points)
    means = fitted.values(prediction.mean[:, 0], 0)
    deviation = fitted.scaling.deviation[0]
    ranked = [
        GeneratorPosterior(
            found=generator,
            observed=_observed(generator, fitted.objectives[0].name),
            mean=float(means[place]),
            epistemic=float(deviation * math.sqrt(prediction.epistemic[place, 0])),
            aleatoric=float(deviation * math.sqrt(prediction.aleatoric[place, 0])),
        )
        for place, generator in enumerate(found)
    ]
    return tuple(sorted(ranked, key=lambda own: fitted.objectives[0].cost(own.mean)))


def hyperparameter_effects(fitted: FittedPosterior, space: SearchSpace) -> tuple[Effect, ...]:
    """Of every searched hyperparameter on every objective (Friedman, 2001, section 8.2).

    f_j(v) = mean over evaluated thetas of f(theta with v at j). Its band is the standard deviation of that mean over
    functions drawn from the posterior, so that what all thetas share is not averaged away.
    """
    background = fitted.encoding.locate([row.theta for row in evenly(fitted.rows, BACKGROUND)])
    return tuple(
        effect
        for place, dimension in enumerate(space.dimensions)
        for effect in _effects(fitted, background, place, dimension)
    )


def _effects(fitted: FittedPosterior, background: Array, place: int, dimension: Dimension) -> list[Effect]:
    at = _grid(dimension)
    points = np.repeat(background[None], len(at), axis=0)
    points[:, :, place] = _places(at, dimension)[:, None]
    flat = fitted.encoding.to_model(points.reshape(-1, background.shape[1]))
    shape = (len(at), len(background), len(fitted.objectives))
    mean = fitted.surrogate.predict(flat).mean.reshape(shape).mean(axis=1)
    drawn = [fitted.surrogate.draw(flat, seed).reshape(shape).mean(axis=1) for seed in range(FUNCTIONS)]
    deviation = np.std(drawn, axis=0)
    return [
        Effect(
            hyperparameter=dimension.name,
            objective=objective.name,
            at=tuple(at.tolist()),
            mean=tuple(fitted.values(mean[:, column], column).tolist()),
            deviation=tuple((fitted.scaling.deviation[column] * deviation[:, column]).tolist()),
        )
        for column, objective in enumerate(fitted.objectives)
    ]


def _grid(dimension: Dimension) -> Array:
    """Values of the hyperparameter, ascending."""
    if isinstance(dimension, IntegerRange):
        steps = min(dimension.high - dimension.low + 1, GRID)
        return np.unique(np.round(np.linspace(dimension.low, dimension.high, steps)))
    return np.linspace(dimension.low, dimension.high, GRID)


def _places(values: Array, dimension: Dimension) -> Array:
    """Where they lie on the dimension's axis of the search cube; an integer in the middle of its part."""
    if isinstance(dimension, IntegerRange):
        return np.asarray((values - dimension.low + 0.5) / (dimension.high - dimension.low + 1))
    return np.asarray((values - dimension.low) / (dimension.high - dimension.low))


def _observed(found: Found, name: str) -> float | None:
    known = [(row.objective_values.get(name, math.nan), row.samples) for row in found.evaluations]
    finite = [(value, samples) for value, samples in known if math.isfinite(value)]
    weight = sum(samples for _, samples in finite)
    return sum(value * samples for value, samples in finite) / weight if weight else None
