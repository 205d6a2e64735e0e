"""The surrogate: speed against plain PyTorch, time of a fit, and whether it learns noise that depends on the input.

`python -m benchmarks.surrogate` prints one JSON line per figure and ends with 1 if a goal is not met; some minutes
on 2 quiet cores. Names of parts (speed, fit, batch, noise, digits) as arguments run those alone.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import numpy as np
import torch

from benchmarks.figure import Goal, show
from benchmarks.sghmc_torch import Chain
from benchmarks.surrogate_batch import batch_time
from benchmarks.surrogate_problems import NOISY_FUNCTIONS, branin, digits_table
from benchmarks.surrogate_scores import Scores, gains, mean_error, median_scores, mixture_scores, normal_scores
from nago_orchestrator.search.surrogate.bayesian_network import Evaluations, parameter_sizes
from nago_orchestrator.search.surrogate.fit import fit_surrogate
from nago_orchestrator.search.surrogate.options import SurrogateOptions
from nago_orchestrator.search.surrogate.port import Array
from nago_orchestrator.search.surrogate.sampling import sample_posteriors

BATCHES = (32, 512)
"""The smallest size class, nearest to the 20 of the algorithm's authors, and that of 300 evaluations."""
DIMENSIONS, OBJECTIVES = 8, 2
CHAINS = OBJECTIVES * SurrogateOptions().chains
TORCH_STEPS = 300
SPLITS = range(100, 110)
"""Each with a draw of the function of its own; none is among those that the noise prior was chosen on."""
POINTS, TRAINING = 150, 50


def main(parts: list[str]) -> int:
    known: dict[str, Callable[[], bool]] = {"speed": speed, "fit": fit_time, "batch": batch_time}
    known |= {"noise": noise, "digits": digits}
    return 0 if all([known[part]() for part in parts or known]) else 1


def speed() -> bool:
    """Of both in this run, torch on one thread: steps of a chain per second, all chains counted, and steps of the loop,
    each of which moves all chains at once."""
    met = True
    for batch, goal in zip(BATCHES, (Goal(50, at_least=True), None), strict=True):
        plain, compiled = torch_steps(batch), loop_steps(batch)
        chains = f"SGHMC steps per second over plain PyTorch, batch {batch}"
        met &= show("surrogate", chains, compiled * CHAINS / plain, "times", goal)
        loop = f"steps of the loop of {CHAINS} chains per second over steps of one PyTorch chain, batch {batch}"
        show("surrogate", loop, compiled / plain, "times")
    return met


def loop_steps(batch: int) -> float:
    """Of the compiled program, all chains of all objectives in each."""
    options = SurrogateOptions(draws=1)
    steps = options.burn_in + options.thinning
    rng = np.random.default_rng(0)
    evaluations = Evaluations(
        inputs=jax.numpy.asarray(rng.standard_normal((DIMENSIONS, batch)), jax.numpy.float32),
        costs=jax.numpy.asarray(rng.standard_normal((OBJECTIVES, batch)), jax.numpy.float32),
        samples=jax.numpy.ones(batch),
        known=jax.numpy.ones((OBJECTIVES, batch), bool),
    )
    sample_posteriors(evaluations, jax.random.key(0), options).energy.block_until_ready()
    started = time.perf_counter()
    sample_posteriors(evaluations, jax.random.key(1), options).energy.block_until_ready()
    return steps / (time.perf_counter() - started)


def torch_steps(batch: int) -> float:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = parameter_sizes(DIMENSIONS)
    chain = Chain({name: 0.1 * torch.randn(size) for name, size in sizes.items()}, step_size=1e-2, friction=0.05)
    inputs, costs = torch.randn(batch, DIMENSIONS), torch.randn(batch)
    for _ in range(TORCH_STEPS // 10):
        chain.step(inputs, costs)
    started = time.perf_counter()
    for _ in range(TORCH_STEPS):
        chain.step(inputs, costs)
    return TORCH_STEPS / (time.perf_counter() - started)


def fit_time() -> bool:
    """Two objectives at 300 evaluations, with the default options, so that a bad fit is done again; other histories of
    the same size class, so that nothing is cached but code."""
    first, *later = (timed_fit(seed) for seed in range(4))
    wall, processor, fits = (statistics.median(numbers) for numbers in zip(*later, strict=True))
    met = [
        show("surrogate", "first fit, 300 evaluations, 2 objectives: compiled and fitted", first.wall, "s", Goal(10)),
        show("surrogate", "later fits, median", wall, "s", Goal(3)),
        show("surrogate", "later fits, processor time, median", processor, "s"),
        show("surrogate", "fits that each of them took, median", fits, ""),
    ]
    return all(met)


class FitCost(NamedTuple):
    wall: float
    """Seconds, as `processor`."""
    processor: float
    fits: int
    """2 where the first was bad."""


def timed_fit(seed: int) -> FitCost:
    rng = np.random.default_rng(seed)
    points = rng.random((300, DIMENSIONS))
    costs = np.stack([branin(points), points.sum(1) ** 2], axis=1)
    started, processor = time.perf_counter(), time.process_time()
    fitted = fit_surrogate(points, costs, np.ones(300), seed=seed)
    fitted.predict(points)
    return FitCost(time.perf_counter() - started, time.process_time() - processor, fitted.diagnostics["fits"])


def noise() -> bool:
    """The paper's protocol for its table 1: 150 points, a third of them for training, 10 splits, medians."""
    met = True
    for function in NOISY_FUNCTIONS:
        met &= compare(function.name, {split: function.draw(np.random.default_rng(split), POINTS) for split in SPLITS})
    return met


def digits() -> bool:
    points, costs = digits_table()
    return compare("error on digits", dict.fromkeys(SPLITS, (points[:POINTS], costs[:POINTS, :1])))


def compare(name: str, drawn: Mapping[int, tuple[Array, Array]]) -> bool:
    """Heteroscedastic against homoscedastic, on the same points and splits; coverage is the heteroscedastic one's."""
    options = SurrogateOptions()
    varying = judge(drawn, options)
    constant = judge(drawn, replace(options, heteroscedastic=False))
    show("surrogate", f"{name}: error of the mean, of the costs' deviation", varying.error, "")
    show("surrogate", f"{name}: the same with one noise", constant.error, "")
    return all(
        [
            compare_reading(f"{name}, as a {reading}", varying.readings[reading], constant.readings[reading])
            for reading in ("normal", "mixture")
        ]
    )


def compare_reading(what: str, varying: Sequence[Scores], constant: Sequence[Scores]) -> bool:
    """Of the same splits in the same order. The gain is paired: that of every split, then their median."""
    own, gain = median_scores(varying), gains(varying, constant)
    show("surrogate", f"{what}: negative log likelihood", own.likelihood, "nats")
    met = [
        show("surrogate", f"{what}: less than with one noise, same split, by", gain.median, "nats", GAIN),
        show("surrogate", f"{what}: off 50 % coverage by", abs(100 * own.within_half - 50), "points", NEAR),
        show("surrogate", f"{what}: off 90 % coverage by", abs(100 * own.within_most - 90), "points", NEAR),
    ]
    show("surrogate", f"{what}: less than with one noise, lower quartile of the splits", gain.lower, "nats")
    show("surrogate", f"{what}: less than with one noise, upper quartile of the splits", gain.upper, "nats")
    return all(met)


GAIN = Goal(0.05, at_least=True)
NEAR = Goal(10)


class Judgement(NamedTuple):
    error: float
    """Median over the splits."""
    readings: Mapping[str, Sequence[Scores]]
    """Of every split."""


def judge(drawn: Mapping[int, tuple[Array, Array]], options: SurrogateOptions) -> Judgement:
    """Costs are divided by their standard deviation; the fit does not know it."""
    errors, normal, mixture = [], [], []
    for split, (points, costs) in drawn.items():
        order = np.random.default_rng(split).permutation(len(points))
        train, test = order[:TRAINING], order[TRAINING:]
        scaled = costs / costs.std()
        fitted = fit_surrogate(points[train], scaled[train], np.ones(TRAINING), seed=split, options=options)
        errors.append(mean_error(fitted, points[test], scaled[test]))
        normal.append(normal_scores(fitted, points[test], scaled[test]))
        mixture.append(mixture_scores(fitted, points[test], scaled[test]))
    return Judgement(statistics.median(errors), {"normal": normal, "mixture": mixture})


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
