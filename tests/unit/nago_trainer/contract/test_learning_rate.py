from __future__ import annotations

from dataclasses import replace

import pytest

from nago_trainer.contract.learning_rate import at_batch_size, rate_between
from nago_trainer.contract.task import TrainingSettings


@pytest.mark.parametrize(
    ("batch_size", "rate"), [(512, 0.1), (304, 0.0625), (96, 0.025), (48, 0.0125), (1, 0.025 / 96)]
)
def test_the_rate_is_linear_between_the_points_and_proportional_below(batch_size: int, rate: float) -> None:
    assert rate_between(batch_size, (512, 0.1), (96, 0.025)) == pytest.approx(rate)


def test_a_recipe_that_was_reduced_once_is_reduced_further_by_the_same_rule(recipe: TrainingSettings) -> None:
    whole = replace(recipe, batch_size=512, learning_rate=0.1, reference_batch_size=96, reference_learning_rate=0.025)
    for between in (400, 96, 60):
        twice = at_batch_size(at_batch_size(whole, between), 48)
        assert twice.learning_rate == pytest.approx(at_batch_size(whole, 48).learning_rate)


def test_a_reference_at_the_recipes_own_batch_gives_a_rate_in_proportion(recipe: TrainingSettings) -> None:
    whole = replace(recipe, batch_size=96, learning_rate=0.1, reference_batch_size=96, reference_learning_rate=0.025)
    assert at_batch_size(whole, 96).learning_rate == 0.1
    assert at_batch_size(whole, 48).learning_rate == pytest.approx(0.05)
    above = replace(whole, learning_rate=0.0125)
    assert at_batch_size(above, 48).learning_rate == pytest.approx(0.00625)


def test_above_both_points_a_rate_never_falls_to_nothing() -> None:
    assert rate_between(128, (64, 0.01), (32, 0.1)) == 0.01
    assert rate_between(928, (512, 0.1), (96, 0.025)) == pytest.approx(0.175)


def test_without_a_reference_the_rate_stays(recipe: TrainingSettings) -> None:
    assert at_batch_size(recipe, 8) == replace(recipe, batch_size=8)
