"""A Gaussian process per objective, its noise log-linear in the inputs: a surrogate in numpy alone.

y = f(x) + ε, f ~ GP(0, s² · Matérn-5/2 with a length scale per dimension), Var ε = exp(a + b·(x − ½)) / samples: noise
that depends on the input in the simplest way. The hyperparameters are the maximum of their posterior, by L-BFGS with
exact gradients (Rasmussen and Williams, 2006, section 5.4). Length scales have the prior of Hvarfner, Hellsten and
Nardi (2024), which grows with the square root of the dimensions. `surrogate/port.py` says what is asked of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from nago_orchestrator.search.surrogate.port import Array, Prediction

_ROOT5 = np.sqrt(5.0)
_MOST_FOR_HYPERPARAMETERS = 300
"""Points beyond which the hyperparameters follow from a random subset; the predictions use all points."""
_FREQUENCIES = 512
"""Random features behind a drawn function (Rahimi and Recht, 2007)."""
_BOUNDS = {
    "length": (np.log(0.02), np.log(50.0)),
    "scale": (-6.0, 6.0),
    "noise": (np.log(1e-6), 1.0),
    "slope": (-6.0, 6.0),
}
_STARTS = ((np.log(0.5), -7.0), (np.log(1.5), -2.0))
"""Length scale and noise, on the log scale, at which the climbs begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Of one objective; all but the slope on the log scale."""

    lengths: Array
    scale: float
    noise: float
    """At the middle of the cube."""
    slope: Array

    def noise_at(self, points: Array) -> Array:
        """Variance of an evaluation with one sample, shape (points,)."""
        variance: Array = np.exp(np.clip(self.noise + (points - 0.5) @ self.slope, *_BOUNDS["noise"]))
        return variance


def _unpack(vector: Array, dimensions: int) -> Hyperparameters:
    return Hyperparameters(
        lengths=vector[:dimensions],
        scale=float(vector[dimensions]),
        noise=float(vector[dimensions + 1]),
        slope=vector[dimensions + 2 :],
    )


def _distances(first: Array, second: Array, lengths: Array) -> Array:
    """√5 times the scaled distance."""
    one, other = first / np.exp(lengths), second / np.exp(lengths)
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    found: Array = _ROOT5 * np.sqrt(np.maximum(squares, 0.0))
    return found


def _covariance(first: Array, second: Array, own: Hyperparameters) -> tuple[Array, Array]:
    """The Matérn-5/2 covariance (Rasmussen and Williams, 2006, equation 4.17), and the factor its derivatives share:
    ∂k/∂(½ scaled squared distance) = −factor."""
    distance = _distances(first, second, own.lengths)
    decay = np.exp(own.scale - distance)
    return (1 + distance + distance**2 / 3) * decay, 5 / 3 * (1 + distance) * decay


def _energy(vector: Array, points: Array, targets: Array, samples: Array) -> tuple[float, Array]:
    """Negative log posterior of the hyperparameters, up to a constant, and its gradient.

    The likelihood is that of Rasmussen and Williams (2006), equation 5.8, its gradient equation 5.9.
    """
    dimensions = points.shape[1]
    own = _unpack(vector, dimensions)
    kernel, factor = _covariance(points, points, own)
    noise = own.noise_at(points) / samples
    try:
        root = np.linalg.cholesky(kernel + np.diag(noise + 1e-9 * np.exp(own.scale)))
    except np.linalg.LinAlgError:
        return 1e10, np.zeros_like(vector)
    inverse = cho_solve((root, True), np.eye(len(points)))
    weights = inverse @ targets
    slack = inverse - np.outer(weights, weights)
    shared = slack * factor
    scaled = points / np.exp(own.lengths)
    lengths = (shared.sum(axis=1) @ scaled**2) - np.einsum("id,ij,jd->d", scaled, shared, scaled, optimize=True)
    per_noise = 0.5 * np.diag(slack) * noise
    gradient = np.concatenate([lengths, [0.5 * (slack * kernel).sum(), per_noise.sum()], per_noise @ (points - 0.5)])
    prior, prior_gradient = _prior(vector, dimensions)
    energy = 0.5 * targets @ weights + np.log(np.diag(root)).sum() + prior
    return float(energy), gradient + prior_gradient


def _prior(vector: Array, dimensions: int) -> tuple[float, Array]:
    """Of normal distributions on the log scale (on the slope itself): energy and its gradient."""
    ones = np.ones(dimensions)
    centre = np.concatenate([(np.sqrt(2) + 0.5 * np.log(dimensions)) * ones, [0.0, -5.0], 0 * ones])
    width = np.concatenate([np.sqrt(3) * ones, [1.5, 3.0], 1.5 * ones])
    z = (vector - centre) / width
    return float(0.5 * (z**2).sum()), z / width


def fit_hyperparameters(points: Array, targets: Array, samples: Array, seed: int) -> Hyperparameters:
    """Of targets with about zero mean and unit variance, shape (points,)."""
    dimensions = points.shape[1]
    if len(points) > _MOST_FOR_HYPERPARAMETERS:
        some = np.random.default_rng(seed).choice(len(points), _MOST_FOR_HYPERPARAMETERS, replace=False)
        points, targets, samples = points[some], targets[some], samples[some]
    bounds = [_BOUNDS["length"]] * dimensions + [_BOUNDS["scale"], _BOUNDS["noise"]] + [_BOUNDS["slope"]] * dimensions
    climbs = [
        minimize(
            _energy,
            np.concatenate([np.full(dimensions, length), [0.0, noise], np.zeros(dimensions)]),
            args=(points, targets, samples),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 100},
        )
        for length, noise in _STARTS
    ]
    best = min(climbs, key=lambda climb: float(climb.fun))
    return _unpack(np.asarray(best.x, dtype=np.float64), dimensions)


class OneProcess:
    """The posterior of one objective, given its hyperparameters."""

    def __init__(self, points: Array, targets: Array, samples: Array, own: Hyperparameters) -> None:
        self.own = own
        self._points = points
        self._targets = targets
        kernel, _ = _covariance(points, points, own)
        self._noise = own.noise_at(points) / samples + 1e-9 * np.exp(own.scale)
        self._root = np.linalg.cholesky(kernel + np.diag(self._noise))
        self._weights: Array = cho_solve((self._root, True), targets)
        self._features: tuple[Array, Array] | None = None
        self._paths: dict[int, tuple[Array, Array]] = {}

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and variance of the function (Rasmussen and Williams, 2006, equations 2.25 and 2.26), each of shape
        (points,)."""
        cross, _ = _covariance(points, self._points, self.own)
        explained = solve_triangular(self._root, cross.T, lower=True)
        variance: Array = np.maximum(np.exp(self.own.scale) - (explained**2).sum(axis=0), 1e-12)
        return cross @ self._weights, variance

    def leave_one_out(self) -> Array:
        """Of each target, as the others predict it: how many standard deviations it lies above, shape (points,).

        With C the covariance of the targets, noise included: yᵢ − μᵢ = [C⁻¹y]ᵢ / [C⁻¹]ᵢᵢ and σᵢ² = 1 / [C⁻¹]ᵢᵢ
        (Rasmussen and Williams, 2006, equations 5.10 to 5.12), so that (yᵢ − μᵢ) / σᵢ = [C⁻¹y]ᵢ / √[C⁻¹]ᵢᵢ.
        The hyperparameters stay those that all targets gave.
        """
        inverse_root = solve_triangular(self._root, np.eye(len(self._targets)), lower=True)
        deviations: Array = self._weights / np.sqrt((inverse_root**2).sum(axis=0))
        return deviations

    def mean_gradient(self, points: Array) -> Array:
        """Shape (points, dimensions)."""
        _, factor = _covariance(points, self._points, self.own)
        weighted = factor * self._weights
        gradient: Array = -(points * weighted.sum(axis=1)[:, None] - weighted @ self._points)
        return gradient / np.exp(2 * self.own.lengths)

    def draws(self, points: Array, seeds: Sequence[int]) -> Array:
        """Functions of the posterior by Matheron's rule (Wilson et al., 2020), shape (functions, points)."""
        paths = [self._path(seed) for seed in seeds]
        prior = self._feature_values(points) @ np.column_stack([prior for prior, _ in paths])
        update = _covariance(points, self._points, self.own)[0] @ np.column_stack([update for _, update in paths])
        found: Array = (prior + update).T
        return found

    def _path(self, seed: int) -> tuple[Array, Array]:
        """Weights of the features and of the points' covariances that make one function."""
        if seed not in self._paths:
            rng = np.random.default_rng(seed)
            prior = rng.standard_normal(2 * _FREQUENCIES)
            noise = np.sqrt(self._noise) * rng.standard_normal(len(self._points))
            residual = self._targets - self._feature_values(self._points) @ prior - noise
            self._paths[seed] = (prior, cho_solve((self._root, True), residual))
        return self._paths[seed]

    def _feature_values(self, points: Array) -> Array:
        if self._features is None:
            # A Matérn-5/2 process has frequencies of Student's t with 5 degrees of freedom.
            rng = np.random.default_rng(0)
            normal = rng.standard_normal((points.shape[1], _FREQUENCIES))
            frequencies = normal * np.sqrt(5 / rng.chisquare(5, _FREQUENCIES)) / np.exp(self.own.lengths)[:, None]
            self._features = (frequencies, np.exp(0.5 * self.own.scale) / np.sqrt(_FREQUENCIES) * np.ones(1))
        angles = points @ self._features[0]
        values: Array = np.hstack([np.cos(angles), np.sin(angles)]) * self._features[1]
        return values


class GaussianProcesses:
    """One process per objective."""

    def __init__(self, processes: Sequence[OneProcess], centre: Array, deviation: Array) -> None:
        self._processes = tuple(processes)
        self._centre = centre
        self._deviation = deviation

    @property
    def hyperparameters(self) -> tuple[Hyperparameters, ...]:
        return tuple(process.own for process in self._processes)

    def leave_one_out(self) -> Array:
        """Each cost against what the others predict, in standard deviations: shape (points, objectives)."""
        return np.column_stack([process.leave_one_out() for process in self._processes])

    def predict(self, points: Array) -> Prediction:
        moments = [process.predict(points) for process in self._processes]
        noise = np.column_stack([process.own.noise_at(points) for process in self._processes])
        return Prediction(
            mean=np.column_stack([mean for mean, _ in moments]) * self._deviation + self._centre,
            epistemic=np.column_stack([variance for _, variance in moments]) * self._deviation**2,
            aleatoric=noise * self._deviation**2,
        )

    def mean_gradient(self, points: Array) -> Array:
        slopes = np.stack([process.mean_gradient(points) for process in self._processes], axis=1)
        found: Array = slopes * self._deviation[None, :, None]
        return found

    def draw(self, points: Array, seed: int) -> Array:
        found: Array = self.draws(points, (seed,))[0]
        return found

    def draws(self, points: Array, seeds: Sequence[int]) -> Array:
        """Several functions at once, shape (functions, points, objectives); each as `draw` gives it for its seed."""
        columns = [
            process.draws(points, [len(self._processes) * seed + place for seed in seeds])
            for place, process in enumerate(self._processes)
        ]
        found: Array = np.stack(columns, axis=2) * self._deviation + self._centre
        return found


def fit_gaussian_processes(points: Array, costs: Array, samples: Array, *, seed: int) -> GaussianProcesses:
    """Of costs, shape (points, objectives), at points of the unit cube, each the mean of so many `samples`."""
    centre, deviation = costs.mean(axis=0), costs.std(axis=0)
    deviation = np.where(deviation > 1e-12 * np.maximum(np.abs(costs).max(axis=0), 1e-300), deviation, 1.0)
    targets = (costs - centre) / deviation
    counted = np.maximum(samples, 1.0)
    processes = [
        OneProcess(points, column, counted, fit_hyperparameters(points, column, counted, seed)) for column in targets.T
    ]
    return GaussianProcesses(processes, centre, deviation)
