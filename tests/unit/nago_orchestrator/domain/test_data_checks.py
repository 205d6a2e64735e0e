"""What follows from the answer of a check of images that only a study's trainers see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nago_orchestrator.domain.data_checks import Known, conclude
from nago_trainer.contract.data_check import DataAnswer
from nago_trainer.contract.data_report import BrokenImage, ClassCount, DataReport
from nago_trainer.contract.task import FORMER_IMAGE_RULES, IMAGE_RULES, DatasetSettings

FOLDER = DatasetSettings(
    name="folder",
    path="/data/a",
    image_size=100,
    channels=3,
    classes=300,
    validation_fraction=0.2,
    split_seed=0,
    image_rules=IMAGE_RULES,
)
REPORT = DataReport(
    channels=3,
    images=1_000,
    training=800,
    validation=200,
    classes=(ClassCount(name="the first", images=4, training=3, validation=1),),
    smallest=(8, 8),
    largest=(8, 8),
    fingerprint="a" * 64,
)
KNOWN = Known(dataset=FOLDER, batch_size=8, begun=False)


def test_what_was_found_is_counted_though_not_all_is_listed() -> None:
    found = conclude(DataAnswer(report=REPORT, classes=300), KNOWN)
    assert found.problem is None
    assert found.summary is not None
    assert (found.summary.classes, found.summary.images, found.summary.steps_per_epoch) == (300, 1_000, 100)
    assert (found.dataset.fingerprint, found.dataset.images) == ("a" * 64, 1_000)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (DataAnswer(report=REPORT, classes=2), "trainer.dataset.classes is 300, and the images have 2 classes"),
        (
            DataAnswer(report=replace(REPORT, channels=1), classes=300),
            "trainer.dataset.channels is 3, and the images have 1 channels",
        ),
        (DataAnswer(report=replace(REPORT, problems=("no images",)), classes=300), "no images"),
        (
            DataAnswer(
                report=replace(REPORT, broken=(BrokenImage(file="x", why="x is broken"),), broken_count=7), classes=300
            ),
            "7 images cannot be read, the first because: x is broken: correct or remove them",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_a_problem_with_a_sentence(answer: DataAnswer, sentence: str) -> None:
    problem = conclude(answer, KNOWN).problem
    assert problem is not None
    assert problem[0] == "BadData"
    assert problem[1].startswith(sentence)


def test_of_the_same_images_the_facts_are_those_of_the_first_answer() -> None:
    """What was kept of images since then, any trial can have written."""
    known = replace(KNOWN, dataset=replace(FOLDER, fingerprint=REPORT.fingerprint), begun=True)
    assert conclude(DataAnswer(report=replace(REPORT, channels=1), classes=300), known).problem is None


def test_a_study_of_before_is_judged_by_its_own_rules_which_its_trials_know() -> None:
    before = replace(KNOWN, dataset=replace(FOLDER, image_rules=FORMER_IMAGE_RULES), begun=True)
    unscaled = DataAnswer(report=replace(REPORT, problems=("12 bits in 16",)), classes=300)
    assert conclude(unscaled, before).problem is None


@pytest.mark.parametrize(("mebibytes", "refused", "warned"), [(20, True, True), (32, False, True), (64, False, False)])
def test_memory_that_the_images_do_not_leave_is_refused_and_little_is_warned_of(
    mebibytes: int, refused: bool, warned: bool
) -> None:
    known = replace(KNOWN, memory=float(mebibytes * 2**20))  # the pixels take 28.6 MiB, and reading them 37.2
    found = conclude(DataAnswer(report=REPORT, classes=300), known)
    assert (found.problem is not None) == refused
    assert any("execution.kubernetes.memory" in told for told in found.warnings) == warned


@pytest.mark.parametrize(
    ("prepared", "memory", "remedy"),
    [
        (None, None, "or name a claim for prepared images, and submit"),
        ("/prepared", None, "or set trainer.dataset.memory below it, and submit"),
        ("/prepared", 20 * 2**20, None),
    ],
)
def test_images_that_are_read_batch_by_batch_need_no_memory_for_all(
    prepared: str | None, memory: int | None, remedy: str | None
) -> None:
    dataset = replace(KNOWN.dataset, prepared=prepared, memory=memory)
    found = conclude(DataAnswer(report=REPORT, classes=300), replace(KNOWN, dataset=dataset, memory=20.0 * 2**20))
    if remedy is None:
        assert found.problem is None
        assert not any("execution.kubernetes.memory" in told for told in found.warnings)
    else:
        assert found.problem is not None
        assert remedy in found.problem[1]
