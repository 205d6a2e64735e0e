"""A study file's search becomes the proposer that it names, with the settings that it gives."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nago_orchestrator.domain.proposals import Evaluation, Origin, Outcome, PriorEvaluation, Proposal
from nago_orchestrator.search.factory import SOURCES, make_proposer
from nago_orchestrator.search.proposers.port import Pause, Proposer
from nago_orchestrator.spec.search import ALGORITHMS
from tests.studies import RECIPE, small_spec

TWO = "[{name: error}, {name: memory}]"


def test_random_search_proposes_so_many_at_the_last_fidelity() -> None:
    proposer = make_proposer(small_spec(search="{algorithm: random, proposals: 3}"), RECIPE)
    asked = [proposer.ask() for _ in range(4)]
    assert [item.fidelity for item in asked if isinstance(item, Proposal)] == [4, 4, 4]
    assert asked[-1] is Pause.EXHAUSTED


@pytest.mark.parametrize(("objective", "winner"), [("accuracy", 0), ("memory", 3)])
def test_bohb_minimises_the_objective_that_the_file_names(objective: str, winner: int) -> None:
    """Four of a bracket, the first the most accurate, the last the smallest."""
    spec = small_spec(
        objectives="[{name: accuracy}, {name: memory}]",
        search=f"{{algorithm: bohb, iterations: 1, objective: {objective}}}",
        fidelities="[1, 4]",
    )
    proposer = make_proposer(spec, RECIPE)
    first = [proposer.ask() for _ in range(4)]
    assert all(isinstance(item, Proposal) and item.fidelity == 1 for item in first)
    for number in range(4):
        proposer.tell(
            Evaluation(
                proposal=number,
                number=number,
                outcome=Outcome.OK,
                values={},
                costs=(0.1 * number, 400.0 - 100 * number),
                samples=1,
            )
        )
    promoted = proposer.ask()
    assert isinstance(promoted, Proposal)
    assert (promoted.origin, promoted.parent) == (Origin.PROMOTION, winner)


def tell(proposer: Proposer, proposal: Proposal, number: int, *costs: float) -> None:
    proposer.tell(
        Evaluation(proposal=proposal.number, number=number, outcome=Outcome.OK, values={}, costs=costs, samples=1)
    )


@pytest.mark.parametrize("algorithm", ["ehvi", "mobo"])
def test_batches_are_trained_at_the_fidelity_that_they_are_given(algorithm: str) -> None:
    search = f"{{algorithm: {algorithm}, evaluations: 3, fidelity: 2}}"
    proposer = make_proposer(small_spec(objectives=TWO, search=search), RECIPE)
    asked = [proposer.ask() for _ in range(4)]
    assert [item.fidelity for item in asked if isinstance(item, Proposal)] == [2, 2, 2]
    assert asked[-1] is Pause.EXHAUSTED


def test_phases_follow_each_other_and_have_randomness_of_their_own() -> None:
    search = """
      algorithm: phases
      phases: [{algorithm: random, proposals: 2}, {algorithm: random, proposals: 2}]"""
    proposer = make_proposer(small_spec(objectives=TWO, search=search), RECIPE)
    thetas, phases = [], []
    for number in range(4):
        proposal = proposer.ask()
        assert isinstance(proposal, Proposal)
        tell(proposer, proposal, number, 0.5, 100.0)
        thetas.append(tuple(proposal.theta.values()))
        phases.append(proposal.phase)
    assert phases == [0, 0, 1, 1]
    assert len(set(thetas)) == 4


def test_the_first_phase_is_the_search_that_it_would_be_alone() -> None:
    bohb = "{algorithm: bohb, iterations: 1}"
    alone = make_proposer(small_spec(search=bohb), RECIPE)
    phased = make_proposer(small_spec(search=f"{{algorithm: phases, phases: [{bohb}, {bohb}]}}"), RECIPE)
    assert [alone.ask() for _ in range(4)] == [phased.ask() for _ in range(4)]


def test_a_warm_start_is_told() -> None:
    theta = small_spec().search_space().theta({"top_nodes": 4, "top_p": 0.5})
    prior = PriorEvaluation(theta=theta, fidelity=4, outcome=Outcome.OK, costs=(0.5, 100.0), samples=1)
    search = "{algorithm: ehvi, evaluations: 3}"
    proposer = make_proposer(small_spec(objectives=TWO, search=search), RECIPE, (prior, prior))
    assert proposer.facts()["prior_evaluations"] == 2


HEAVY = ("ConfigSpace", "hpbandster", "jax", "moocore", "numpyro", "pymoo", "scipy", "statsmodels", "torch")
BOHB = "{algorithm: bohb, iterations: 1}"
RANDOM = "{algorithm: random, proposals: 2}"
BATCHES = "{algorithm: %s, evaluations: 3}"


@pytest.mark.parametrize(
    ("search", "loaded"),
    [
        (RANDOM, set()),
        pytest.param(f"{{algorithm: phases, phases: [{RANDOM}, {RANDOM}]}}", set(), marks=pytest.mark.slow),
        pytest.param(BOHB, {"ConfigSpace", "hpbandster", "scipy", "statsmodels"}, marks=pytest.mark.slow),
        pytest.param(
            f"{{algorithm: phases, phases: [{RANDOM}, {BOHB}]}}",
            {"ConfigSpace", "hpbandster", "scipy", "statsmodels"},
            marks=pytest.mark.slow,
        ),
        pytest.param("{algorithm: mobohb, iterations: 1}", {"moocore", "scipy"}, marks=pytest.mark.slow),
        pytest.param(BATCHES % "mobo", {"moocore", "scipy"}, marks=pytest.mark.slow),
        pytest.param(BATCHES % "ehvi", {"moocore", "scipy"}, marks=pytest.mark.slow),
    ],
)
def test_a_search_loads_the_libraries_of_its_own_algorithm(search: str, loaded: set[str]) -> None:
    """By its first proposal; jax, numpyro and pymoo come with the first batch that a model chooses."""
    code = (
        "import sys\n"
        "from nago_orchestrator.search.factory import make_proposer\n"
        "from tests.studies import RECIPE, small_spec\n"
        f"proposer = make_proposer(small_spec(objectives={TWO!r}, search={search!r}), RECIPE)\n"
        "proposer.ask()\n"
        f"print(*(name for name in {HEAVY} if name in sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(told.split()) == loaded


def test_every_algorithm_of_the_study_file_has_its_proposer() -> None:
    assert {*SOURCES, "phases"} == set(ALGORITHMS)


@pytest.mark.slow
def test_a_search_whose_library_is_not_installed_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['hpbandster'] = None\n"
        "from nago_orchestrator.errors import InputError\n"
        "from nago_orchestrator.search.factory import make_proposer\n"
        "from tests.studies import RECIPE, small_spec\n"
        "try: make_proposer(small_spec(), RECIPE)\n"
        "except InputError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'nago-orchestrator[bohb]'" in told
