from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from nago_trainer.contract.data_report import ClassCount, DataReport
from nago_trainer.contract.data_source import DataSource
from nago_trainer.data.catalogue import READERS, survey
from nago_trainer.data.digits import load_digits
from nago_trainer.data.split import stratified_split
from nago_trainer.data.survey import LISTED_BROKEN
from nago_trainer.errors import DataError
from tests.image_folder import survey_folder


def _image(file: Path, size: tuple[int, int] = (8, 8)) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size).save(file, "PNG")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for number in range(5):
        _image(tmp_path / "pets" / "cat" / f"{number}.png", (8 + number, 8))
    for number in range(10):
        _image(tmp_path / "pets" / "dog" / f"{number}.png")
    return tmp_path / "pets"


def test_what_there_is_of_each_class_in_each_split(pets: Path) -> None:
    report = survey_folder(pets, 0.2, None)
    assert report.classes == (
        ClassCount(name="cat", images=5, training=4, validation=1),
        ClassCount(name="dog", images=10, training=8, validation=2),
    )
    assert (report.images, report.training, report.validation, report.channels) == (15, 12, 3, 1)
    assert (report.smallest, report.largest) == ((8, 8), (12, 8))
    assert (report.left_out, report.broken, report.problems, report.hints) == ((), (), (), ())
    assert DataReport.from_json(report.to_json()) == report


def test_all_that_is_left_out_is_counted_with_its_reason(pets: Path) -> None:
    for name in ("cat/a.HEIC", "cat/b.heic", "cat/c.avif", "dog/noext", "cat/sub/e.png", "__MACOSX/cat/x.png"):
        _image(pets / name)
    for name in ("@eaDir", "dog/@eaDir", ".git"):
        (pets / name).mkdir()
    for name in (".DS_Store", "cat/._0.png", "notes.txt"):
        (pets / name).write_text("no image")
    (pets / "dog" / "gone.png").symlink_to("nowhere.png")
    report = survey_folder(pets, 0.2, None)
    assert {found.reason: found.count for found in report.left_out} == {
        "suffix .heic": 2,
        "suffix .avif": 1,
        "no suffix": 1,
        "folder inside a class": 1,
        "folder of the system": 3,
        "hidden": 3,
        "link to nothing": 1,
        "file outside the folders of the classes": 1,
    }
    assert report.left_out[0].count == 3
    assert next(found.examples for found in report.left_out if found.reason == "suffix .heic") == (
        "cat/a.HEIC",
        "cat/b.heic",
    )
    assert (report.images, [found.name for found in report.classes]) == (15, ["cat", "dog"])


def test_all_broken_images_are_named_at_once_and_beyond_a_limit_counted(pets: Path) -> None:
    (pets / "dog" / "3.png").write_bytes(b"")
    for number in range(LISTED_BROKEN + 5):
        (pets / "cat" / f"x{number:03d}.png").write_text("no image")
    report = survey_folder(pets, 0.2, None)
    assert report.broken_count == LISTED_BROKEN + 6
    assert len(report.broken) == LISTED_BROKEN
    assert "x000.png" in report.broken[0].why
    assert [count.images for count in report.classes] == [5, 9]


def test_all_problems_are_named_at_once(pets: Path) -> None:
    (pets / "emu").mkdir()
    _image(pets / "fox" / "0.png")
    report = survey_folder(pets, 0.2, None)
    assert [problem.partition(",")[0] for problem in report.problems] == [
        "the class 'emu' has no images",
        "the class 'fox' has a single image",
    ]


def test_flat_folders_of_parts_get_a_hint(tmp_path: Path) -> None:
    for name in ("train", "val"):  # they can be trained on as classes, which is hardly meant
        for number in range(2):
            _image(tmp_path / name / f"{number}.png")
    report = survey_folder(tmp_path, 0.2, None)
    assert report.problems == ()
    assert "the classes are called train and val, like parts of a dataset" in report.hints[0]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        survey(DataSource(name="folder", path=str(tmp_path / "nowhere"), validation_fraction=0.2))


def test_the_counts_are_those_of_the_split() -> None:
    report = survey(DataSource(name="digits", path=None, validation_fraction=0.3))
    training, validation = stratified_split(load_digits(8).labels, 0.3, 0)
    assert (report.training, report.validation) == (len(training), len(validation))
    assert READERS["cifar10"].survey is None
