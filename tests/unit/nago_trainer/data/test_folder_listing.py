"""Folders with parts of their own: PATH/PART/CLASS/IMAGE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nago_trainer.contract.data_report import ClassCount
from nago_trainer.contract.task import TEST
from nago_trainer.data.catalogue import load_images
from nago_trainer.data.splits import make_splits
from nago_trainer.errors import DataChangedError, DataError
from tests.image_folder import load_folder, settings_of, survey_folder

SHADES = {("train", "cat"): 10, ("train", "dog"): 20, ("val", "cat"): 110, ("val", "dog"): 120, ("Test", "dog"): 220}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for (part, name), shade in {**SHADES, ("Test", "cat"): 210}.items():
        folder = tmp_path / "pets" / part / name
        folder.mkdir(parents=True)
        for number in range(3):
            Image.new("L", (8, 8), shade + number).save(folder / f"{number}.png")
    return tmp_path / "pets"


def test_own_parts_are_counted_as_they_are(parts: Path) -> None:
    report = survey_folder(parts, 0.5, None)
    assert report.problems == ()
    assert (report.images, report.training, report.validation, report.test) == (12, 6, 6, 6)
    assert report.classes[0] == ClassCount(name="cat", images=6, training=3, validation=3, test=3)


def test_a_search_is_validated_on_their_own_images_and_never_sees_test_images(parts: Path) -> None:
    images = load_folder(parts, settings_of(parts, 8, 1))
    splits = make_splits(images, fraction=0.2, seed=0, device=torch.device("cpu"))
    shades = [set(part.at(slice(0, 99)).flatten().tolist()) for part in (splits.training, splits.validation)]
    assert shades == [{10, 11, 12, 20, 21, 22}, {110, 111, 112, 120, 121, 122}]
    assert images.test is None


def test_final_training_takes_all_but_the_test_images_and_is_measured_on_these(parts: Path) -> None:
    images = load_images(replace(settings_of(parts, 8, 1), measured_on=TEST))
    splits = make_splits(images, fraction=0.2, seed=0, device=torch.device("cpu"))
    assert (len(splits.training.labels), len(splits.validation.labels)) == (12, 6)
    assert set(np.unique(splits.validation.at(slice(0, 99)))) == {210, 211, 212, 220, 221, 222}
    assert images.test is not None
    assert images.test.files is not None
    assert images.test.files[0] == "Test/cat/0.png"


def test_a_test_image_that_changes_is_noticed_by_the_search(parts: Path) -> None:
    fingerprint = survey_folder(parts, 0.2, None).fingerprint
    settings = replace(settings_of(parts, 8, 1), fingerprint=fingerprint)
    load_folder(parts, settings)
    Image.new("L", (8, 8), 3).save(parts / "Test" / "cat" / "1.png")
    with pytest.raises(DataChangedError):
        load_folder(parts, settings)


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (("docs",), "the folder docs is beside the parts Test, train and val ({path}): move it out"),
        (
            ("docs", "raw"),
            "2 folders are beside the parts Test, train and val, the first is docs ({path}): move them out",
        ),
    ],
)
def test_a_folder_beside_the_parts_is_to_be_moved_and_not_the_parts(
    parts: Path, others: tuple[str, ...], told: str
) -> None:
    for name in others:
        (parts / name).mkdir()
    with pytest.raises(DataError) as refused:
        survey_folder(parts, 0.2, None)
    assert str(refused.value) == told.format(path=parts)


def test_hidden_folders_system_folders_and_files_beside_the_parts_are_left_alone(parts: Path) -> None:
    before = survey_folder(parts, 0.2, None)
    for name in (".cache", "__MACOSX"):
        (parts / name).mkdir()
    for name in ("readme.txt", "cover.png"):
        (parts / name).write_text("no image")
    found = survey_folder(parts, 0.2, None)
    assert (found.problems, found.test, found.fingerprint) == ((), before.test, before.fingerprint)


def _without_test_images_of_cats(parts: Path) -> None:
    for file in (parts / "Test" / "cat").iterdir():
        file.unlink()


def _another_class_in_test(parts: Path) -> None:
    (parts / "Test" / "cat").rename(parts / "Test" / "Cat")


def _twice(parts: Path) -> None:
    (parts / "Test").rename(parts / "valid")


def _only_cats(parts: Path) -> None:
    for part in ("train", "val", "Test"):
        (parts / part / "dog").rename(parts.parent / part)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_without_test_images_of_cats, "the class 'cat' has no test images"),
        (_another_class_in_test, "the class 'Cat' has test images and no folder for training"),
        (_twice, "val and valid are both for validation"),
        (_only_cats, "the dataset has a single subfolder"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(parts: Path, spoil: Callable[[Path], None], problem: str) -> None:
    spoil(parts)
    assert survey_folder(parts, 0.2, None).problems[0].startswith(problem)
