from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data.catalogue import READERS, describe, load_images, survey
from nago_trainer.errors import DataError
from tests.image_folder import settings_of


def test_every_data_set_has_its_reader_and_says_truly_whether_it_has_test_images() -> None:
    assert list(READERS) == list(DATA_SETS)
    for name, reader in READERS.items():  # those of files say so in their listings
        assert DATA_SETS[name].files == (reader.stamp is not None)
        assert DATA_SETS[name].files or DATA_SETS[name].test_images == (reader.load_test is not None)


def test_settings_decide_what_is_read(digits_settings: DatasetSettings, image_folder: Path) -> None:
    folder = replace(digits_settings, name="folder", path=str(image_folder), image_size=6, channels=3, classes=2)
    assert load_images(digits_settings).pixels.shape == (1797, 1, 8, 8)
    assert load_images(folder).pixels.shape == (6, 3, 6, 6)


def test_a_dataset_that_changed_since_the_study_began_is_refused(digits_settings: DatasetSettings) -> None:
    with pytest.raises(DataError, match="1 channels and 10 classes, and the study was created with 3 and 10"):
        load_images(replace(digits_settings, channels=3))


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        (
            "mnist",
            "images",
            "no dataset 'mnist': choose one of digits, folder, cifar10, cifar100, sport8, mit67, flowers102, imagenet",
        ),
        ("folder", None, "the dataset folder needs a path"),
        ("cifar10", "", "the dataset cifar10 needs a path"),
    ],
)
def test_what_cannot_be_found_is_refused(name: str, path: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        describe(name, path)


@pytest.mark.parametrize("name", ["digits", "folder"])
def test_describing_loads_neither_torch_nor_scikit_learn(name: str, image_folder: Path) -> None:
    program = (
        "import sys\nfrom nago_trainer.data.catalogue import describe\n"
        f"describe({name!r}, {str(image_folder)!r})\n"
        "print(*[heavy for heavy in ('torch', 'torchvision', 'sklearn') if heavy in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_digits_have_no_test_images(digits_settings: DatasetSettings) -> None:
    with pytest.raises(DataError, match="digits has no test images"):
        load_images(replace(digits_settings, measured_on=TEST))


def test_the_test_images_of_digits_are_the_same_in_every_study_and_no_search_sees_them(
    digits_settings: DatasetSettings,
) -> None:
    settings = replace(digits_settings, test_fraction=0.2)
    found = [load_images(replace(settings, split_seed=seed, measured_on=TEST)).test for seed in (1, 2)]
    assert found[0] is not None
    assert found[1] is not None
    assert np.array_equal(found[0].pixels, found[1].pixels)
    searched = load_images(settings)
    assert searched.test is None
    assert len(searched.labels) + len(found[0].labels) == 1797
    whole = load_images(digits_settings).pixels
    together = np.concatenate([searched.pixels, found[0].pixels])
    assert sorted(map(bytes, together)) == sorted(map(bytes, whole))
    shares = np.bincount(found[0].labels) / np.bincount(load_images(digits_settings).labels)
    assert shares == pytest.approx(0.2, abs=0.01)


def test_a_folder_gives_test_images_too_and_its_fingerprint_stays(image_folder: Path) -> None:
    settings = replace(settings_of(image_folder, 8, 3), fingerprint=survey(_source(image_folder, 0.0)).fingerprint)
    divided = replace(settings, test_fraction=0.34)
    searched, tested = load_images(divided), load_images(replace(divided, measured_on=TEST))
    assert tested.test is not None
    assert searched.files == tested.files
    assert sorted([*(tested.files or ()), *(tested.test.files or ())]) == list(load_images(settings).files or ())
    report = survey(_source(image_folder, 0.34))
    assert (report.images, report.test) == (len(searched.labels), len(tested.test.labels)) == (4, 2)


def test_a_class_of_two_images_cannot_be_tested(image_folder: Path) -> None:
    next((image_folder / "Dog").iterdir()).unlink()
    assert survey(_source(image_folder, 0.0)).problems == ()
    (problem,) = survey(_source(image_folder, 0.2)).problems
    assert problem.startswith("the class 'Dog' has two images, and training, validation and test need one each")
    assert problem.endswith("or set trainer.dataset.test_fraction: 0")


def _source(folder: Path, test_fraction: float) -> DataSource:
    return DataSource(name="folder", path=str(folder), validation_fraction=0.2, test_fraction=test_fraction)
