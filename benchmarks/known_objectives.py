"""What it is worth to a search that memory is known before training: the same search, told so (the default) or not.

The paper's ranges and the exact memory of drawn networks; an invented error takes the place of training, so that
what a generator is worth is known without noise. `python -m benchmarks.known_objectives` prints one JSON line per
figure, six minutes of CPU; a number as argument asks for other than seven seeds, further ones name searches.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Goal, show
from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.proposals import Evaluation, Outcome, Proposal
from nago_orchestrator.evaluation.pareto import hypervolume
from nago_orchestrator.search.encoding import Encoding
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.proposers.mobo.cheap_objectives import CostSampler, cost_sampler
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.load import parse_study_spec

Array = NDArray[np.float64]

SEEDS = 7
EVALUATIONS = 58
"""The initial design of 18, then five batches of 8."""
JUDGED_AT = (26, 42, 58)
BOX = (0.4, 1.5e6)
"""Error and bytes per sample that still count."""
STUDY = """
name: known-objectives
seed: {seed}
objectives: [{{name: error, reference: 0.4}}, {{name: memory, reference: 1.5MB}}]
search: {{algorithm: {search}, evaluations: {evaluations}{learn}}}
fidelities: [1]
trainer: {{dataset: {{name: digits}}, parameter_limit: 1.0e6}}
"""
SEARCHES = ("mobo", "ehvi")
SIZE = np.array([0.5, 0.0, 0.0, 0.2, 0.0, 0.3, 0.0, 0.0])
"""How much each hyperparameter counts towards a low error; memory weighs the middle nodes most."""
SHAPE = np.array([0, 1, 1, 0, 1, 0, 1, 1])
WANTED = np.array([0.0, 0.3, 0.7, 0.0, 0.4, 0.0, 0.7, 0.2])
"""The best place of the hyperparameters that do not change the size."""


def error(points: Array) -> Array:
    """Without noise, at places of the model cube, shape (points, 8), in the order of the space."""
    found: Array = 0.03 + 0.25 * (1 - points @ SIZE) ** 2 + 0.1 * ((points - WANTED) ** 2) @ SHAPE
    return found


def noise(points: Array) -> Array:
    """Standard deviation of one network's error: small generators vary most."""
    found: Array = 0.004 + 0.016 * (1 - points @ SIZE)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    shares: tuple[float, ...]
    """Of the box, per cent, at JUDGED_AT."""
    seconds: float
    """CPU time of all proposals."""


def study(search: str, seed: int, *, known: bool) -> StudySpec:
    learn = "" if known else ", learn: [memory]"
    text = STUDY.format(seed=seed, evaluations=EVALUATIONS, search=search, learn=learn)
    return parse_study_spec(text, "the benchmark's study")


def run(search: str, seed: int, *, known: bool) -> Run:
    spec = study(search, seed, known=known)
    recipe, encoding = study_recipe(spec), Encoding(spec.search_space())
    memory = cost_sampler(recipe, spec.objective_values()[1:], connected=False)
    proposer = make_proposer(spec, recipe)
    seconds, found = 0.0, np.empty((0, 2))
    for number in range(EVALUATIONS):
        started = time.process_time()
        proposal = proposer.ask()
        seconds += time.process_time() - started
        if not isinstance(proposal, Proposal):
            raise RuntimeError("the search paused")
        point = encoding.encode([proposal.theta])
        true = np.array([error(point)[0], drawn_memory(memory, proposal, seed)])
        seen = (true[0] + noise(point)[0] * np.random.default_rng((seed, number)).standard_normal(), true[1])
        proposer.tell(Evaluation(proposal=number, number=number, outcome=Outcome.OK, values={}, costs=seen, samples=1))
        found = np.vstack([found, true])
    shares = tuple(100 * hypervolume(found[:count], BOX) / (BOX[0] * BOX[1]) for count in JUDGED_AT)
    return Run(shares=shares, seconds=seconds)


def drawn_memory(memory: CostSampler, proposal: Proposal, seed: int) -> float:
    """Of the one network that a study would train. The limit lets every network of these ranges fit."""
    costs = memory(proposal.theta, seeds.architecture(seed, proposal.number, 0))
    if costs is None:
        raise RuntimeError(f"no network fits for {dict(proposal.theta)}")
    return costs[0]


def compare(search: str, count: int) -> bool:
    arms = {
        "known": [run(search, seed, known=True) for seed in range(1, count + 1)],
        "learnt": [run(search, seed, known=False) for seed in range(1, count + 1)],
    }
    for arm, runs in arms.items():
        for place, evaluations in enumerate(JUDGED_AT):
            _show(f"{search}, memory {arm}: hypervolume after {evaluations}", [one.shares[place] for one in runs])
        seconds = statistics.median(one.seconds for one in runs)
        show("known_objectives", f"{search}, memory {arm}: CPU time of all proposals, median", seconds, "s")
    ahead = [first.shares[-1] - second.shares[-1] for first, second in zip(arms["known"], arms["learnt"], strict=True)]
    return _show(f"{search}: known ahead of learnt, by seed, after {JUDGED_AT[-1]}", ahead, Goal(0, at_least=True))


def _show(figure: str, values: list[float], goal: Goal | None = None) -> bool:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    text = f"{figure}, median ({low:.2f} to {high:.2f}: quartiles of {len(values)} seeds)"
    return show("known_objectives", text, middle, "% of the box", goal)


def main(count: int, searches: list[str]) -> int:
    return 0 if all([compare(search, count) for search in searches]) else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    raise SystemExit(main(int(given[0]) if given else SEEDS, given[1:] or list(SEARCHES)))
