"""Every study file that the project ships can be loaded, and the demo is what it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from nago_orchestrator.search.proposers.hyperband import bracket_shape
from nago_orchestrator.spec import load_study_spec
from nago_orchestrator.spec.search import BohbSection, MoboSection, phases_of
from nago_orchestrator.spec.space_section import preset_of

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
PAPERS_SEARCHES = [*EXAMPLES.glob("*-paper.yaml"), PROJECT / "k8s" / "base" / "studies" / "digits-paper.yaml"]


def test_there_are_examples() -> None:
    assert {file.name for file in FILES} >= {
        "digits-demo.yaml",
        "digits-random.yaml",
        "cifar10-bohb.yaml",
        "folder.yaml",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_a_study(file: Path) -> None:
    spec = load_study_spec(file)
    assert spec.search_space().dimensions or spec.search.algorithm == "random"
    if file.stem not in ("folder",):
        assert spec.name == file.stem


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_begins_with_what_it_is_for(file: Path) -> None:
    assert file.read_text().startswith("# ")


@pytest.mark.parametrize("file", PAPERS_SEARCHES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_the_second_phase_has_a_model_from_its_first_proposal_on(file: Path) -> None:
    """One more evaluation at its fidelity than there are dimensions: otherwise it begins with random points."""
    spec = load_study_spec(file)
    first, second = phases_of(spec.search)
    assert isinstance(first, BohbSection)
    assert isinstance(second, MoboSection)
    shapes = [bracket_shape(spec.fidelities, bracket) for bracket in range(first.iterations)]
    runs = [run for shape in shapes for run in zip(shape.fidelities, shape.sizes, strict=True)]
    assert sum(size for fidelity, size in runs if fidelity == second.fidelity) > len(spec.search_space().dimensions)


def test_the_demo_keeps_its_promise() -> None:
    spec = load_study_spec(EXAMPLES / "digits-demo.yaml")
    assert len(spec.fidelities) == 3
    assert spec.trainer.dataset.name == "digits"
    assert spec.trainer.parameter_limit <= 50_000


def test_the_cifar10_search_is_the_papers() -> None:
    spec = load_study_spec(EXAMPLES / "cifar10-bohb.yaml")
    assert spec.search_space() == load_study_spec(EXAMPLES / "digits-random.yaml").search_space()
    assert spec.fidelities == (30, 60, 120)
    assert spec.trainer.parameter_limit == 4_000_000


@pytest.mark.parametrize(
    ("example", "preset", "dimensions"),
    [
        ("cifar10-bohb", "hnag", 8),
        ("cifar10-merges-operations", "hnag-merges-operations", 15),
        ("cifar10-stages-channels", "hnag-stages-channels", 14),
        ("digits-rnag", None, 9),
        ("digits-rnag-d", "rnag-d", 0),
    ],
)
def test_examples_of_other_spaces(example: str, preset: str | None, dimensions: int) -> None:
    space = load_study_spec(EXAMPLES / f"{example}.yaml").search_space()
    assert (preset_of(space), len(space.dimensions)) == (preset, dimensions)
