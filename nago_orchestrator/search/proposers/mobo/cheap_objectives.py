"""Cheap objectives, known without training: a model of memory, parameters and FLOPs from samples of the generator.

An architecture's costs are exact before it trains, but a theta stands for many architectures, and a search asks for the
costs of thousands of thetas. So once per study some hundred architectures are sampled all over the space, milliseconds
each, and a Gaussian process is fitted to the logarithms of their costs. It needs no evaluation;
`CheapModel.relative_deviation` says how far single architectures lie from their generator's mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.domain.trial_design import design_trial
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.evaluation.metrics import KNOWN_BEFORE_TRAINING, cheap_objectives
from nago_orchestrator.search.acquisition.candidates import sobol
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.proposers.mobo.observations import CheapCosts, CheapObjectives
from nago_orchestrator.search.surrogate.gaussian_process import GaussianProcesses, fit_gaussian_processes
from nago_orchestrator.search.surrogate.port import Array

DRAWS = 400
"""Architectures behind the model: some seconds in the paper's space."""
_FEWEST = 3
"""Trainable samples below which there is nothing to fit."""

CostSampler = Callable[[Theta, int], tuple[float, ...] | None]
"""A theta and a seed to the cheap objectives' costs of one architecture; None if it cannot be trained."""


def cheap_indices(objectives: Sequence[Objective], learn: Sequence[str] = ()) -> tuple[int, ...]:
    """Indices of the cheap objectives, without those to `learn` all the same."""
    cheap = cheap_objectives(learn)
    return tuple(index for index, item in enumerate(objectives) if item.name in cheap)


def cost_sampler(recipe: TrainingRecipe, objectives: Sequence[Objective], *, connected: bool) -> CostSampler:
    """For the cheap ones among a study's objectives, in their order."""

    def sample(theta: Theta, seed: int) -> tuple[float, ...] | None:
        trial = design_trial(theta, recipe, connected=connected, replicate=0, architecture_seed=seed, training_seed=0)
        if trial.infeasible is not None:
            return None
        return tuple(item.cost(KNOWN_BEFORE_TRAINING[item.name](trial) or 0.0) for item in objectives)

    return sample


def cheap_from_samples(
    space: SearchSpace, study_seed: int, indices: tuple[int, ...], sample: CostSampler, draws: int = DRAWS
) -> CheapObjectives:
    """Samples nothing yet: `CheapObjectives.costs` does, once. The same arguments always give the same model."""
    return CheapObjectives(
        indices=indices, costs=lambda: fit_cheap_costs(space, study_seed, len(indices), sample, draws)
    )


@dataclass(frozen=True, slots=True)
class CheapModel:
    """Mean costs of generators, of log-normal costs of their architectures."""

    processes: GaussianProcesses
    signs: Array
    """−1 where the logarithm is of the negative cost: an objective to be maximised."""

    def __call__(self, points: Array) -> Array:
        prediction = self.processes.predict(points)
        costs: Array = self.signs * np.exp(prediction.mean + 0.5 * prediction.aleatoric)
        return costs

    def relative_deviation(self, points: Array) -> Array:
        """Relative deviation of single architectures around the mean of their generator, shape (points, costs)."""
        deviation: Array = np.sqrt(np.expm1(self.processes.predict(points).aleatoric))
        return deviation


def fit_cheap_costs(
    space: SearchSpace, study_seed: int, objectives: int, sample: CostSampler, draws: int
) -> CheapCosts:
    """Where almost no sample can be trained, all generators are taken to cost the same, and the notes say so."""
    encoding = Encoding(space)
    candidates = sobol(encoding.dimensions, draws, seeds.cheap_cost(study_seed, 0))
    thetas = encoding.decode(candidates)
    drawn = [sample(theta, seeds.cheap_cost(study_seed, number)) for number, theta in enumerate(thetas, start=1)]
    feasible = [number for number, costs in enumerate(drawn) if costs is not None]
    notes = {"draws": draws, "trainable": len(feasible)}
    if len(feasible) < _FEWEST:
        return CheapCosts(at=lambda points: np.zeros((len(points), objectives)), notes={**notes, "model": None})
    table = np.array([drawn[number] for number in feasible], dtype=np.float64)
    signs = np.where(table.mean(axis=0) < 0, -1.0, 1.0)
    logarithms = np.log(np.maximum(signs * table, 1.0))
    points = encoding.encode([thetas[number] for number in feasible])
    seed = seeds.cheap_cost(study_seed, draws + 1)
    model = CheapModel(fit_gaussian_processes(points, logarithms, np.ones(len(points)), seed=seed), signs)
    deviation = np.round(np.median(model.relative_deviation(points), axis=0), 4).tolist()
    return CheapCosts(at=model, notes={**notes, "model": "gaussian process", "spread": deviation})
