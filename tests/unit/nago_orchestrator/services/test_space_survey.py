from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from nago_orchestrator.domain.device_memory import MemoryLimit, training_bytes
from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.space import FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.domain.trial_design import Sizing
from nago_orchestrator.search.proposers.random.proposer import RandomSearch
from nago_orchestrator.services.space_survey import (
    QUANTITIES,
    Obstacle,
    SpaceSurvey,
    aliases,
    draw_once,
    survey_space,
    whole_number_settings,
)
from nago_orchestrator.spec.space_section import preset_space
from nago_trainer.architecture import TensorShape, canonical
from tests.studies import RECIPE

SMALL = Sizing(image=TensorShape(1, 8), classes=10, parameter_limit=50_000)
Restrict = Callable[..., SearchSpace]


def survey(space: SearchSpace, *, draws: int, seed: int = 0, sizing: Sizing = SMALL) -> SpaceSurvey:
    return survey_space(space, sizing, draws=draws, seed=seed, on_progress=lambda done: None)


@pytest.fixture
def restricted(paper_space: SearchSpace) -> Restrict:
    """The paper's space with everything fixed but what is given as (low, high)."""

    def make(**choices: tuple[int, int] | float) -> SearchSpace:
        small = {"top_nodes": 3, "top_k": 2, "top_p": 0.5, "mid_nodes": 1, "mid_p": 0.5}
        small |= {"bottom_nodes": 3, "bottom_k": 2, "bottom_p": 0.5}
        ranges = {name: choice for name, choice in choices.items() if isinstance(choice, tuple)}
        fixed = {**paper_space.fixed, **small, **choices}
        return replace(
            paper_space,
            dimensions=tuple(
                (FloatRange if name.endswith("_p") else IntegerRange)(name=name, low=low, high=high)
                for name, (low, high) in ranges.items()
            ),
            fixed={name: value for name, value in fixed.items() if name not in ranges and not isinstance(value, tuple)},
        )

    return make


def test_a_draw_depends_on_seed_and_number_alone(paper_space: SearchSpace) -> None:
    found = survey(paper_space, draws=5, seed=3)
    assert found.draws[4] == draw_once(paper_space, SMALL, 3, 4)
    assert found == survey(paper_space, draws=5, seed=3)
    assert found.draws != survey(paper_space, draws=5, seed=4).draws


def test_the_draws_are_those_of_random_search(paper_space: SearchSpace) -> None:
    search = RandomSearch(space=paper_space, study_seed=9, fidelity=1, proposals=4)
    proposals = [search.ask() for _ in range(4)]
    thetas = [proposal.theta for proposal in proposals if isinstance(proposal, Proposal)]
    assert thetas == [draw.theta for draw in survey(paper_space, draws=4, seed=9).draws]


def test_progress_is_told_after_every_draw(small_space: SearchSpace) -> None:
    told: list[int] = []
    survey_space(small_space, SMALL, draws=3, seed=0, on_progress=told.append)
    assert told == [1, 2, 3]


def test_quantiles_are_those_of_the_feasible_draws(paper_space: SearchSpace) -> None:
    found = survey(paper_space, draws=12)
    nodes = [draw.nodes for draw in found.feasible]
    quantiles = found.quantiles("nodes")
    assert (quantiles["min"], quantiles["max"]) == (min(nodes), max(nodes))
    assert quantiles["median"] == np.median(nodes)
    for quantity in QUANTITIES:
        values = list(found.quantiles(quantity).values())
        assert values == sorted(values)
    assert found.quantiles("parameters")["max"] <= SMALL.parameter_limit


def test_a_limit_out_of_reach_is_counted_and_left_out(paper_space: SearchSpace) -> None:
    tight = survey(paper_space, draws=12, sizing=replace(SMALL, parameter_limit=5000))
    assert 0 < tight.obstacles[Obstacle.LIMIT] < 12
    assert len(tight.feasible) == 12 - tight.obstacles[Obstacle.LIMIT]
    none = survey(paper_space, draws=3, sizing=replace(SMALL, parameter_limit=1))
    assert none.obstacles == {Obstacle.LIMIT: 3}
    assert none.quantiles("nodes") == {}


def test_what_does_not_fit_into_the_studys_memory_is_counted_and_left_out(paper_space: SearchSpace) -> None:
    free = survey(paper_space, draws=6)
    needed = sorted(
        training_bytes(RECIPE.training, 8, draw.bytes_per_sample or 0, draw.parameters) for draw in free.draws
    )
    memory = MemoryLimit(bytes=needed[2], training=replace(RECIPE.training, smallest_batch_size=8))
    tight = survey(paper_space, draws=6, sizing=replace(SMALL, memory=memory))
    assert (len(tight.feasible), tight.obstacles) == (3, {Obstacle.MEMORY: 3})


@pytest.mark.slow
def test_a_graph_that_cannot_be_connected_is_an_obstacle(restricted: Restrict) -> None:
    space = replace(restricted(top_nodes=4, top_k=0), connected=True)
    found = survey(space, draws=1)
    assert found.obstacles == {Obstacle.DISCONNECTED: 1}
    assert found.different_architectures == 0


def test_duplicates_are_counted_by_their_canonical_form(restricted: Restrict) -> None:
    """A triangle whatever k and p: one theta in many spellings."""
    found = survey(restricted(top_k=(2, 5), top_p=(0, 1)), draws=20)
    assert len({tuple(draw.theta.values()) for draw in found.draws}) == 20
    assert (found.different_thetas, found.shared_thetas) == (1, 20)
    assert found.different_architectures == 1


def test_continuous_hyperparameters_give_no_duplicates(restricted: Restrict) -> None:
    found = survey(restricted(top_nodes=(8, 10), top_p=(0, 1)), draws=20)
    assert (found.different_thetas, found.shared_thetas) == (20, 0)


@pytest.mark.parametrize(
    ("preset", "settings", "different"),
    [
        # Per graph: 3 nodes 1, 4 nodes 1, 5 to 10 nodes 2 forms of ring; 10 middle graphs.
        ("hnag", (8 * 4) * 10 * (8 * 4), 14 * 10 * 14),
        # 31 numbers of nodes, and 2, 4, 6 or 8 neighbours.
        ("rnag", (31 * 8) ** 3, (31 * 4) ** 3),
        ("rnag-d", 1, 1),
        ("darts-like", 8 * 4, 14),
    ],
)
def test_whole_number_settings_are_counted_exactly(preset: str, settings: int, different: int) -> None:
    assert whole_number_settings(preset_space(preset)) == (settings, different)


def test_aliases_say_what_a_value_does_not_mean(restricted: Restrict) -> None:
    space = restricted(top_nodes=10, top_k=(3, 5), bottom_nodes=4, bottom_k=(3, 5))
    found = {(alias.name, alias.why.split(":")[0]): alias.share for alias in aliases(survey(space, draws=60))}
    odd = found["top_k", "odd"]
    assert 0.4 < odd < 0.9
    assert found["bottom_k", "odd"] == 1.0
    assert 0.4 < found["bottom_k", "larger than the number of other nodes"] < 0.9
    assert ("top_k", "larger than the number of other nodes") not in found
    assert "top_p" not in {name for name, _ in found}
    assert found["mid_p", "no effect"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["hnag", "rnag", "darts-like"])
def test_a_draw_with_an_alias_and_no_other_is_spelled_anew(preset: str) -> None:
    found = survey(preset_space(preset), draws=12)
    for draw in found.draws:
        alone = replace(found, draws=(draw,))
        graphs = [name for name in draw.theta if name.endswith(("_k", "_p"))]
        rewritten = {name for name in graphs if draw.theta[name] != canonical(draw.theta)[name]}
        assert {alias.name for alias in aliases(alone)} == rewritten
