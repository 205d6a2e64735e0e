from __future__ import annotations

import pytest

from nago_orchestrator.domain.final_rows import FinalTraining
from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.report.figures.stars import longest_trained, star_points
from tests.rows import final_training, fully_trained

ERROR = Objective(name="error", goal=Goal.MINIMIZE)
MEMORY = Objective(name="memory", goal=Goal.MINIMIZE)


def trained(parent: int, epochs: int, *networks: tuple[float | None, int]) -> FinalTraining:
    trials = [fully_trained(validation_accuracy=accuracy, bytes_per_sample=memory) for accuracy, memory in networks]
    return final_training(parent, epochs, trials)


def test_a_star_is_the_mean_of_the_networks_that_have_values() -> None:
    (star,) = longest_trained([trained(2, 30, (0.9, 80), (0.8, 100), (None, 10))], (ERROR, MEMORY))
    assert (star.generator, star.epochs, star.networks) == ("proposal 2", 30, 2)
    assert star.values == pytest.approx({"error": 0.15, "memory": 90.0})


def test_only_the_longest_training_that_came_to_an_end_counts() -> None:
    rows = [trained(1, 5, (0.9, 1)), trained(2, 30, (0.9, 1)), trained(3, 30, (0.8, 1)), trained(4, 90, (None, 1))]
    assert [star.generator for star in longest_trained(rows, (ERROR, MEMORY))] == ["proposal 2", "proposal 3"]


def test_without_stars_nothing_is_drawn() -> None:
    assert longest_trained([], (ERROR,)) == []
    assert star_points([], (ERROR, MEMORY), MEMORY) == []
