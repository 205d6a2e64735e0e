"""The paper's photographs in their true layouts, with fewer classes and images, which the listings take by argument."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from nago_trainer.contract.data_source import DataSource
from nago_trainer.data.flowers102 import list_flowers102
from nago_trainer.data.imagenet import list_imagenet
from nago_trainer.data.listing import PART_NAMES, Listing, listing_problems
from nago_trainer.data.mit67 import list_mit67
from nago_trainer.data.sport8 import list_sport8
from nago_trainer.data.survey import survey_files
from nago_trainer.errors import DataError

HALF = DataSource(name="of the paper", path=None, validation_fraction=0.5)
Layout = tuple[Path, Callable[[Path], Listing]]


def _image(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 5), (len(file.name), 1, 2)).save(file)
    return file.name


def _sport8(path: Path) -> Layout:
    for event in ("bocce", "polo"):
        for number in range(6):
            _image(path / "event_img" / event / f"{event}{number}.jpg")
    return path, partial(list_sport8, classes=2, training=3, test=2)


def _mit67(path: Path) -> Layout:
    for scene in ("attic", "bar"):
        for number in range(4):
            _image(path / "Images" / scene / f"{scene}_{number}.jpg")
    lines = [[f"{scene}/{scene}_{number}.jpg" for scene in ("attic", "bar")] for number in range(3)]
    (path / "TrainImages.txt").write_text("\r\n".join((*lines[0], *lines[1])))
    (path / "TestImages.txt").write_text("\n".join((*lines[2], "")))
    return path, partial(list_mit67, classes=2)


def _flowers102(path: Path) -> Layout:
    root = path / "flowers-102"
    for number in range(1, 9):
        _image(root / "jpg" / f"image_{number:05d}.jpg")
    savemat(root / "imagelabels.mat", {"labels": np.array([[1, 2] * 4], dtype=np.uint8)})
    parts = {"trnid": [[1, 2]], "valid": [[3, 4]], "tstid": [[5, 6, 7, 8]]}
    savemat(root / "setid.mat", {key: np.array(row, dtype=np.uint16) for key, row in parts.items()})
    return path, partial(list_flowers102, classes=2)


def _imagenet(path: Path) -> Layout:
    for part in ("train", "val"):
        for wnid in ("n01440764", "n01443537"):
            for number in range(2):
                _image(path / part / wnid / f"{wnid}_{number}.JPEG")
    return path, partial(list_imagenet, classes=2)


LAYOUTS = {"sport8": _sport8, "mit67": _mit67, "flowers102": _flowers102, "imagenet": _imagenet}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("sport8", {"training": 6, "test": 4}),
        ("mit67", {"training": 4, "test": 2}),
        ("flowers102", {"training": 2, "validation": 2, "test": 4}),
        ("imagenet", {"training": 4, "test": 4}),
    ],
)
def test_each_is_divided_by_its_split(tmp_path: Path, name: str, parts: dict[str, int]) -> None:
    path, list_files = LAYOUTS[name](tmp_path)
    listing = list_files(path)
    assert listing_problems(listing, HALF) == ()
    assert Counter(PART_NAMES[part] for part in listing.parts) == parts
    assert all(file.is_file() for file in listing.files)
    report = survey_files(listing, HALF)
    assert (report.test, report.broken_count, len(report.classes)) == (parts["test"], 0, 2)


def test_the_split_of_sport8_is_always_the_same(tmp_path: Path) -> None:
    path, list_files = _sport8(tmp_path)
    first, again = list_files(path), list_files(path / "event_img")
    assert (first.files, first.parts.tolist()) == (again.files, again.parts.tolist())
    assert [left.count for left in first.left_out] == [2]


def test_flowers_have_the_labels_of_their_numbers(tmp_path: Path) -> None:
    path, list_files = _flowers102(tmp_path)
    listing = list_files(path)
    odd = [int(file.stem.removeprefix("image_")) % 2 for file in listing.files]
    assert [listing.class_names[label] for label in listing.labels] == ["1" if each else "2" for each in odd]


def test_a_list_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    path, list_files = _mit67(tmp_path)
    before = survey_files(list_files(path), HALF).fingerprint
    (path / "TestImages.txt").write_text("attic/attic_3.jpg\nbar/bar_3.jpg\n")
    assert survey_files(list_files(path), HALF).fingerprint != before


def test_lists_that_windows_has_written_are_read_as_the_published(tmp_path: Path) -> None:
    path, list_files = _mit67(tmp_path)
    before = list_files(path)
    for name in ("TrainImages.txt", "TestImages.txt"):
        lines = (path / name).read_text().splitlines()
        (path / name).write_text("\ufeff" + "\n".join(lines).replace("/", "\\"), encoding="utf-8")
    again = list_files(path)
    assert (again.problems, again.files, again.parts.tolist()) == ((), before.files, before.parts.tolist())


def _in_both_lists(path: Path) -> None:
    (path / "TestImages.txt").write_text("bar/bar_0.jpg\nattic/attic_1.jpg\nbar/bar_2.jpg\n")


def _remove(name: str) -> Callable[[Path], None]:
    return lambda path: (path / name).unlink()


def _flatten(path: Path) -> None:
    for folder in [*(path / "val").iterdir()]:
        for file in folder.iterdir():
            file.rename(path / "val" / file.name)
        folder.rmdir()


@pytest.mark.parametrize(
    ("name", "spoil", "sentence"),
    [
        ("sport8", _remove("event_img/polo/polo3.jpg"), "'polo' has 5 images, and the split takes 6"),
        ("mit67", _remove("TestImages.txt"), "TestImages.txt of mit67 is missing.*web.mit.edu"),
        ("mit67", _remove("Images/bar/bar_1.jpg"), "1 images of the lists are missing, the first is bar/bar_1.jpg"),
        ("mit67", _in_both_lists, "^2 images are in both lists, the first is bar/bar_0.jpg.*web.mit.edu"),
        ("flowers102", _remove("flowers-102/setid.mat"), "setid.mat of flowers102 is missing.*robots.ox.ac.uk"),
        ("flowers102", _remove("flowers-102/jpg/image_00003.jpg"), "the first is image_00003.jpg"),
        ("flowers102", lambda path: (path / "flowers-102/setid.mat").write_text("x"), "cannot read the file"),
        ("imagenet", lambda path: (path / "val").rename(path / "elsewhere"), "the folder val of imagenet is missing"),
        ("imagenet", _flatten, "not in a folder for each class"),
    ],
)
def test_what_is_missing_is_said_and_where_to_get_it(
    tmp_path: Path, name: str, spoil: Callable[[Path], None], sentence: str
) -> None:
    path, list_files = LAYOUTS[name](tmp_path)
    if name == "sport8":
        list_files = partial(list_sport8, classes=2, training=4, test=2)
    spoil(path)
    try:
        told = " ".join(listing_problems(list_files(path), HALF))
    except DataError as error:
        told = str(error)
    assert re.search(sentence, told)


@pytest.mark.parametrize(
    ("name", "classes"), [("sport8", "8"), ("mit67", "67"), ("flowers102", "102"), ("imagenet", "1,000")]
)
def test_other_classes_than_the_published_are_refused(tmp_path: Path, name: str, classes: str) -> None:
    published = {"sport8": list_sport8, "mit67": list_mit67, "flowers102": list_flowers102, "imagenet": list_imagenet}
    path, _ = LAYOUTS[name](tmp_path)
    try:
        told = listing_problems(published[name](path), HALF)[0]
    except DataError as error:
        told = str(error)
    assert told.startswith(f"{name} has {classes} classes, and there are 2")
