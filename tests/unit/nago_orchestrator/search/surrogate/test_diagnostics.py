"""Whether chains agree, seen on draws made to agree or not."""

from __future__ import annotations

import numpy as np
import pytest

from nago_orchestrator.search.surrogate.diagnostics import ChainsAtPoints, at_equilibrium, coverage, diagnose, to_json
from nago_orchestrator.search.surrogate.port import Array

RNG = np.random.default_rng(0)
COSTS = RNG.standard_normal(40)
ONES = np.ones(40)


def chains(offset_of_first: float = 0.0, noise: float = 1.0) -> ChainsAtPoints:
    """Four chains of independent draws around 0; the first one around `offset_of_first`."""
    means = 0.1 * RNG.standard_normal((4, 50, 40))
    means[0] += offset_of_first
    return ChainsAtPoints(means=means, noises=np.full(means.shape, noise), kept=np.ones((4, 50), dtype=bool))


def test_chains_that_agree_are_good() -> None:
    found = diagnose(chains(), COSTS, ONES)
    assert found.problem is None
    assert found.r_hat == pytest.approx(1.0, abs=0.05)
    assert found.effective_samples == pytest.approx(200, rel=0.3)


def test_a_chain_of_its_own_is_bad() -> None:
    found = diagnose(chains(offset_of_first=2.0), COSTS, ONES)
    assert found.r_hat is not None
    assert found.r_hat > 3
    assert found.problem is not None
    assert "disagree" in found.problem


def test_noise_that_is_missed_is_bad() -> None:
    found = diagnose(chains(noise=1e-4), COSTS, ONES)
    assert found.problem is not None
    assert "90 %" in found.problem


def close(noise: float, away: float = 0.03, samples: Array = ONES) -> ChainsAtPoints:
    """Every chain passes by the costs at a distance, and believes in that much noise of a single trial."""
    means = (
        COSTS + away / np.sqrt(samples) * np.where(np.arange(40) % 2, 1, -1) + 0.01 * RNG.standard_normal((4, 50, 40))
    )
    return ChainsAtPoints(means=means, noises=np.full(means.shape, noise), kept=np.ones((4, 50), dtype=bool))


@pytest.mark.parametrize("trials", [1, 4])
def test_noise_that_is_overestimated_is_bad(trials: int) -> None:
    """A hundred times what is left: the intervals cover everything."""
    samples = np.full(40, trials)
    found = diagnose(close(noise=0.09, samples=samples), COSTS, samples)
    assert found.coverage_90 == 1
    assert found.problem is not None
    assert "overestimated" in found.problem
    assert "0.09" in found.problem


@pytest.mark.parametrize(
    ("noise", "away"), [(3e-4, 1e-3), (0.04, 0.01), (0.3, 0.2)], ids=["the floor", "little of it", "five times"]
)
def test_noise_somewhat_above_the_residual_is_good(noise: float, away: float) -> None:
    assert diagnose(close(noise=noise, away=away), COSTS, ONES).problem is None


def test_few_costs_do_not_tell_that_noise_is_overestimated() -> None:
    few = close(noise=0.09)
    few = ChainsAtPoints(means=few.means[..., :31], noises=few.noises[..., :31], kept=few.kept)
    assert diagnose(few, COSTS[:31], ONES[:31]).problem is None


@pytest.mark.parametrize(("left_out", "good"), [(100, True), (101, False)])
def test_more_than_half_of_the_draws_overheated_is_bad(left_out: int, good: bool) -> None:
    found = chains()
    found.kept.reshape(-1)[:left_out] = False
    problem = diagnose(found, COSTS, ONES).problem
    assert ("did not settle" in str(problem), problem is None) == (not good, good)


@pytest.mark.parametrize(("scatter", "good"), [(0.2, True), (2.0, False)])
def test_a_fit_worse_than_a_constant_is_bad(scatter: float, good: bool) -> None:
    """Chains that agree on nothing but that everything is possible."""
    means = scatter * np.random.default_rng(2).standard_normal((4, 50, 40))
    wide = ChainsAtPoints(means=means, noises=np.ones(means.shape), kept=np.ones((4, 50), dtype=bool))
    problem = diagnose(wide, COSTS, ONES).problem
    assert ("constant" in str(problem), problem is None) == (not good, good)


def test_equal_costs_are_compared_with_no_constant() -> None:
    same = ChainsAtPoints(means=np.zeros((4, 50, 40)), noises=np.full((4, 50, 40), 1e-3), kept=chains().kept)
    assert diagnose(same, np.zeros(40), ONES).problem is None


def test_chains_that_stand_still_have_a_finite_diagnosis() -> None:
    still = ChainsAtPoints(means=np.zeros((4, 50, 40)), noises=np.ones((4, 50, 40)), kept=np.ones((4, 50), dtype=bool))
    found = diagnose(still, COSTS, ONES)
    assert found.problem is None
    assert found.r_hat == pytest.approx(1.0, abs=0.1)


def test_divergence_is_said() -> None:
    broken = chains()
    broken.means[1, 3, 2] = np.nan
    assert diagnose(broken, COSTS, ONES).problem == "The chains diverged."


def test_nothing_to_judge_by_is_no_problem() -> None:
    empty = ChainsAtPoints(means=np.zeros((4, 50, 0)), noises=np.ones((4, 50, 0)), kept=np.ones((4, 50), dtype=bool))
    assert diagnose(empty, np.zeros(0), np.zeros(0)).problem is None


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_coverage_of_calibrated_predictions(share: float) -> None:
    costs = np.random.default_rng(1).standard_normal(5000)
    flat = ChainsAtPoints(means=np.zeros((1, 2, 5000)), noises=np.ones((1, 2, 5000)), kept=np.ones((1, 2), dtype=bool))
    assert coverage(flat, costs, np.ones(5000), share) == pytest.approx(share, abs=0.02)
    # The mean of four trials has half the deviation.
    assert coverage(flat, costs / 2, np.full(5000, 4.0), share) == pytest.approx(share, abs=0.02)


def test_overheated_draws_are_left_out() -> None:
    energies: Array = np.full((1, 2, 10), -100.0)
    energies[0, 0, 3], energies[0, 1, 4], energies[0, 1, 5] = 900.0, np.nan, -60.0
    kept = at_equilibrium(energies, parameters=100)
    assert np.argwhere(~kept).tolist() == [[0, 0, 3], [0, 1, 4]]


def test_energies_that_are_no_numbers_do_not_raise_what_counts_as_usual() -> None:
    energies: Array = np.full((1, 1, 10), np.nan)
    energies[0, 0, :4] = -100.0
    assert at_equilibrium(energies, parameters=100).sum() == 4


def test_without_any_finite_energy_all_draws_stay() -> None:
    assert at_equilibrium(np.full((1, 2, 3), np.nan), parameters=10).all()


def test_one_problem_makes_the_whole_fit_bad() -> None:
    objectives = [diagnose(chains(), COSTS, ONES), diagnose(chains(offset_of_first=2.0), COSTS, ONES)]
    assert not to_json(objectives, fits=2, seed=5)["good"]
    assert to_json(objectives[:1], fits=1, seed=5)["good"]
