from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data.catalogue import images_stamp, load_images, survey
from nago_trainer.data.csv_listing import NAMED_PROBLEMS, list_csv
from nago_trainer.data.split import divided
from nago_trainer.errors import DataChangedError, DataError, StorageError
from tests.image_folder import settings_of


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for number in range(8):
        file = tmp_path / "scans" / f"part{number % 2}" / f"{number}.img"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 10 * number).save(file, "PNG")
    return tmp_path / "scans"


def _row(number: int, *rest: str) -> str:
    return ",".join((f"part{number % 2}/{number}.img", "ill" if number in (0, 1, 2, 3) else "healthy", *rest))


def _settings(scans: Path, rows: list[str], header: str = "file,label") -> DatasetSettings:
    table = scans.parent / "labels.csv"
    table.write_text("\n".join((header, *rows)))
    return replace(settings_of(scans, 8, 1), labels=str(table))


def _problems(scans: Path, rows: list[str], header: str = "file,label,split,group") -> tuple[str, ...]:
    return survey(DataSource.of(_settings(scans, rows, header))).problems


def test_the_classes_are_those_of_the_file(scans: Path) -> None:
    images = load_images(_settings(scans, [_row(number) for number in reversed(range(8))]))
    assert images.class_names == ("healthy", "ill")
    assert images.files is not None
    assert [int(Path(file).stem) in range(4) for file in images.files] == [bool(label) for label in images.labels]
    assert [int(pixels.max()) // 10 for pixels in images.pixels] == [int(Path(file).stem) for file in images.files]


def test_an_own_split_is_followed(scans: Path) -> None:
    parts = ["train", "Val", "test", "", "training", "valid", "testing", "train"]
    settings = _settings(scans, [_row(number, part) for number, part in enumerate(parts)], "File, Label ,SPLIT")
    report = survey(DataSource.of(settings))
    assert (report.problems, report.training, report.validation, report.test) == ((), 4, 2, 2)
    images = load_images(replace(settings, measured_on=TEST))
    assert images.test is not None
    assert sorted(np.unique(images.test.pixels)) == [20, 60]


def test_what_is_not_in_the_file_is_counted_and_other_columns_are_named(scans: Path) -> None:
    Image.new("L", (8, 8)).save(scans / "more.png")
    settings = _settings(scans, [_row(number, "7") for number in range(8)], "file,label,age")
    report = survey(DataSource.of(settings))
    assert [(left.reason, left.count, left.examples) for left in report.left_out] == [
        ("not in labels.csv", 1, ("more.png",))
    ]
    assert report.hints[0].startswith("columns without a meaning here: age")


def test_another_label_is_another_dataset(scans: Path) -> None:
    rows = [_row(number) for number in range(8)]
    settings = _settings(scans, rows)
    settings = replace(settings, fingerprint=survey(DataSource.of(settings)).fingerprint)
    load_images(settings)
    before = images_stamp(settings)
    _settings(scans, [*rows[:7], rows[7].replace("healthy", "ill")])
    assert images_stamp(settings) != before
    with pytest.raises(DataChangedError):
        load_images(settings)


def test_all_lines_that_are_wrong_are_named_at_once(scans: Path) -> None:
    rows = [
        _row(0, "train", "a"),
        _row(1, "test", "a"),
        _row(2, "dev"),
        _row(2),
        "/etc/passwd,ill",
        "part0/../../labels.csv,ill",
        "part0/gone.img,ill",
        "part1/3.img,",
        ",ill",
    ]
    told = "\n".join(_problems(scans, rows))
    for sentence in (
        "the group 'a' has images for training (line 2) and test (line 3)",
        "the split 'dev' is none of train, validation or test",
        "the file part0/2.img is named twice, first in line 4",
        "the path '/etc/passwd' leads out of the folder",
        "the path 'part0/../../labels.csv' leads out of the folder",
        "there is no file part0/gone.img in",
        "the file part1/3.img has no label",
        "no file is named",
        "labels.csv, line 10)",
    ):
        assert sentence in told
    many = _problems(scans, [f"gone{number},x" for number in range(NAMED_PROBLEMS + 3)])
    assert len(many) == NAMED_PROBLEMS + 1
    assert many[-1] == "3 more lines of the CSV file are wrong"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the CSV file is empty"),
        (b"file,label\n", "the CSV file has no images"),
        (b"file;label\na;b\n", "no column file"),
        (b"file,group\n", "no column label"),
        (b"file,label,label\n", "two columns label"),
        ("file,label\nä.png,b\n".encode("latin-1"), "is not UTF-8"),
        (b'file,label\n"a.png,b\n', "cannot read the CSV file"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(scans: Path, content: bytes, sentence: str) -> None:
    table = scans.parent / "labels.csv"
    table.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        list_csv(scans, table)
    table.unlink()
    with pytest.raises(DataError, match="cannot read the CSV file: No such file"):
        list_csv(scans, table)


def test_a_spreadsheets_byte_order_mark_is_no_part_of_the_first_column(scans: Path) -> None:
    table = scans.parent / "labels.csv"
    table.write_text("\ufefffile,label\r\n" + "\r\n".join(_row(number) for number in range(8)))
    assert len(list_csv(scans, table).files) == 8


def test_a_path_that_cannot_be_looked_at_is_a_problem_of_its_line(scans: Path) -> None:
    (scans / "loop.img").symlink_to("loop.img")
    rows = [*(_row(number) for number in range(8)), f"{'x' * 300}.img,ill", "loop.img,ill"]
    long, loop = _problems(scans, rows, "file,label")
    assert re.fullmatch(r"cannot read the file x+\.img: File name too long \(.*labels\.csv, line 10\)", long)
    assert re.fullmatch(r"cannot read the file loop\.img: Too many levels .* \(.*labels\.csv, line 11\)", loop)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_fault_of_the_storage_says_nothing_of_a_line(
    scans: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file system that fails, and of one that forbids, which root cannot have."""
    settings, stat = _settings(scans, [_row(number) for number in range(8)]), Path.stat

    def failing(path: Path, **options: bool) -> os.stat_result:
        if path.name == "3.img":
            raise OSError(number, os.strerror(number), str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", failing)
    assert settings.labels is not None
    if number == errno.EACCES:
        (problem,) = list_csv(scans, Path(settings.labels)).problems
        assert problem.startswith("cannot read the file part1/3.img: Permission denied (")
        return
    with pytest.raises(StorageError, match=f"cannot read the images: {os.strerror(number)}"):
        list_csv(scans, Path(settings.labels))


def test_a_group_stays_on_one_side(scans: Path) -> None:
    rows = [_row(number, f"patient {number // 2}") for number in range(8)]
    settings = replace(_settings(scans, rows, "file,label,group"), validation_fraction=0.5)
    report = survey(DataSource.of(settings))
    assert (report.problems, report.training, report.validation) == ((), 4, 4)
    alone = [_row(number, "the same" if number < 4 else "") for number in range(8)]
    (problem,) = _problems(scans, alone, "file,label,group")
    assert problem.startswith("the groups of the class 'ill' are too few for training and validation")


def test_prepared_images_are_divided_as_those_of_the_files(scans: Path, tmp_path: Path) -> None:
    rows = [_row(number, f"patient {number // 2}") for number in range(8)]
    settings = replace(_settings(scans, rows, "file,label,group"), validation_fraction=0.5)
    settings = replace(settings, fingerprint=survey(DataSource.of(settings)).fingerprint)
    prepared = replace(settings, prepared=str(tmp_path / "prepared"))
    load_images(prepared)
    assert any((tmp_path / "prepared").iterdir())
    (of_files, _), (of_store, _) = (divided(load_images(each), 0.5, 0) for each in (settings, prepared))
    assert of_files.tolist() == of_store.tolist()
