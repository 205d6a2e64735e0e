from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nago_orchestrator.errors import SpecError
from nago_orchestrator.services.training_configuration import recipe_of
from nago_orchestrator.spec import StudySpec, load_study_spec, parse_study_spec
from nago_orchestrator.spec.protocols import PROTOCOLS

SMALLEST = """
name: s
search: {algorithm: random, proposals: 1}
fidelities: [3]
trainer:
  dataset: {name: folder, path: x, image_size: %d}
"""
EXAMPLES = Path(__file__).parents[4] / "examples"


def study(*lines: str, size: int = 32, final: str = "{}") -> StudySpec:
    return parse_study_spec(
        SMALLEST % size + "".join(f"  {line}\n" for line in lines) + f"final_training: {final}\n", "study.yaml"
    )


def test_a_search_has_the_papers_values() -> None:
    trainer = study("protocol: search").trainer
    assert trainer.learning_rate_from is not None
    assert (trainer.batch_size, trainer.learning_rate, trainer.memory) == (512, 0.1, 16_000_000_000)
    assert (trainer.learning_rate_from.batch_size, trainer.learning_rate_from.learning_rate) == (96, 0.025)
    assert (trainer.momentum, trainer.weight_decay, trainer.gradient_clip) == (0.9, 3e-4, 5.0)


@pytest.mark.parametrize(("size", "cutout", "limit"), [(32, 16, 4_000_000), (224, 112, 6_000_000)])
def test_cutout_and_limit_follow_from_the_images(size: int, cutout: int, limit: int) -> None:
    trainer = study("protocol: complete", size=size).trainer
    assert (trainer.cutout, trainer.parameter_limit, trainer.batch_size) == (cutout, limit, 96)


@pytest.mark.parametrize(
    ("name", "values"), [("complete", (600, 96, 0.025, 3e-4)), ("complete-imagenet", (250, 256, 0.1, 5e-5))]
)
def test_final_training_has_a_protocol_of_its_own(name: str, values: tuple[float, ...]) -> None:
    final = study("protocol: search", final=f"{{protocol: {name}}}").final_training
    assert (final.epochs, final.batch_size, final.learning_rate, final.weight_decay) == values
    assert final.cutout == 16


@pytest.mark.parametrize("key", sorted({key for values in PROTOCOLS.values() for key in values}))
def test_every_value_can_be_set_over_a_protocol(key: str) -> None:
    given: Any = {"batch_size": 77, "learning_rate_from": {"batch_size": 5, "learning_rate": 0.5}, "memory": 7}.get(
        key, 0.125
    )
    trainer = study("protocol: search", f"{key}: {given}").trainer
    assert trainer.model_dump()[key] == given


def test_another_batch_gets_the_rate_that_belongs_to_it() -> None:
    assert study("protocol: search", "batch_size: 304").trainer.learning_rate == pytest.approx(0.0625)
    assert study("protocol: search", "batch_size: 304", "learning_rate: 0.5").trainer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("final", "rate"),
    [
        ("{batch_size: 96}", 0.025),
        ("{batch_size: 95}", 0.025 * 95 / 96),
        ("{batch_size: 304}", 0.0625),
        ("{batch_size: 304, learning_rate_from: {batch_size: 96, learning_rate: 0.05}}", 0.075),
        ("{batch_size: 96, learning_rate: 0.3}", 0.3),
        ("{batch_size: 512}", None),
        ("{momentum: 0.8}", None),
    ],
)
def test_a_final_batch_gets_the_rate_that_the_searchs_line_has_there(final: str, rate: float | None) -> None:
    found = study("protocol: search", final=final).final_training.learning_rate
    assert found == (None if rate is None else pytest.approx(rate))


def test_a_final_batch_keeps_the_rate_where_there_is_no_line() -> None:
    assert study(final="{batch_size: 48}").final_training.learning_rate is None


def test_a_stored_final_batch_without_a_rate_keeps_the_searchs() -> None:
    stored = study("protocol: search", final="{batch_size: 96}").canonical()
    stored["final_training"]["learning_rate"] = None
    assert StudySpec.from_canonical(stored).final_training.learning_rate is None


def test_without_a_protocol_nothing_changes() -> None:
    trainer = study().trainer
    assert (trainer.batch_size, trainer.learning_rate, trainer.memory, trainer.learning_rate_from) == (
        96,
        0.025,
        None,
        None,
    )


def test_a_stored_study_keeps_the_values_that_it_was_made_with() -> None:
    made = study("protocol: search", final="{protocol: complete}")
    stored = made.canonical()
    assert StudySpec.from_canonical(stored) == made
    del stored["trainer"]["memory"], stored["final_training"]["gradient_clip"]  # keys of a later version
    reopened = StudySpec.from_canonical(stored)
    assert (reopened.trainer.memory, reopened.final_training.gradient_clip) == (None, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("protocol: serch", "names an unknown protocol 'serch'.*: did you mean search"),
        ("protocol: [search]", "must be a string"),
        ("smallest_batch_size: 500", "smallest_batch_size 500 above batch_size 96"),
        ("memory: 3 apples", "must be a size"),
        ("memory: 0", "must be at least 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(line: str, problem: str) -> None:
    with pytest.raises(SpecError, match=problem):
        study(line)


@pytest.mark.parametrize(
    ("name", "fidelities", "fidelity", "epochs", "limit"),
    [
        ("cifar10-paper", (30, 60, 120), 60, 600, 4_000_000),
        ("cifar100-paper", (30, 60, 120), 60, 600, 4_000_000),
        ("sport8-paper", (100, 200, 400), 200, 600, 6_000_000),
        ("mit67-paper", (30, 60, 120), 60, 600, 6_000_000),
        ("flowers102-paper", (30, 60, 120), 60, 600, 6_000_000),
        ("imagenet-bohb", (15, 30, 60), None, 250, 6_000_000),
    ],
)
def test_the_examples_have_the_papers_budgets(
    name: str, fidelities: tuple[int, ...], fidelity: int | None, epochs: int, limit: int
) -> None:
    spec = load_study_spec(EXAMPLES / f"{name}.yaml")
    assert (spec.fidelities, spec.final_epochs, spec.trainer.parameter_limit) == (fidelities, epochs, limit)
    assert (spec.trainer.protocol, spec.trainer.batch_size) == ("search", 512)
    if fidelity is not None:
        assert spec.model_dump()["search"]["phases"][1]["fidelity"] == fidelity


def test_a_recipe_carries_the_rule_and_the_memory() -> None:
    spec = study("protocol: search")
    given = spec.trainer.dataset.model_copy(update={"classes": 3, "channels": 3})
    known = spec.model_copy(update={"trainer": spec.trainer.model_copy(update={"dataset": given})})
    recipe = recipe_of(known, None)
    assert recipe.memory == 16_000_000_000
    assert (recipe.training.reference_batch_size, recipe.training.reference_learning_rate) == (96, 0.025)
