"""A saved network is measured on a folder of labelled images."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from nago_trainer.__main__ import main
from nago_trainer.data.digits import load_digits
from nago_trainer.network.saved_network import FORM
from nago_trainer.network.tensor_file import from_bytes, to_bytes
from nago_trainer.saved_network import load_network


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Digits as files: 70 images, sorted by class."""
    digits = load_digits(8)
    for number in range(70):
        folder = tmp_path / "labelled" / str(digits.labels[number])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.pixels[number, 0]).save(folder / f"{number:02}.png")
    return tmp_path / "labelled"


@pytest.fixture
def told(saved: Path, labelled: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*options: str) -> str:
        assert main(["evaluate", str(saved), str(labelled), *options]) == 0
        return capsys.readouterr().out

    return run


def test_the_measures_are_those_of_the_networks_own_answers(saved: Path, told: Callable[..., str]) -> None:
    digits = load_digits(8)
    labels = torch.from_numpy(digits.labels[:70])
    logits = load_network(saved).logits(torch.from_numpy(digits.pixels[:70]))
    found = json.loads(told("-o", "json"))
    assert found["images"] == 70
    assert found["accuracy"] == pytest.approx((logits.argmax(1) == labels).double().mean().item())
    assert found["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert sum(map(sum, found["confusion"])) == 70
    assert {"balanced_accuracy", "macro_f1", "top_5", "worst_class", "calibration_error"} < set(found)


def test_csv_has_a_line_for_each_class_and_the_table_both(told: Callable[..., str]) -> None:
    rows = list(csv.DictReader(StringIO(told("-o", "csv"))))
    assert [row["class"] for row in rows] == list("0123456789")
    assert sum(int(row["images"]) for row in rows) == 70
    table = told()
    assert "balanced accuracy" in table
    assert "as 9" in table


def test_a_folder_that_is_no_class_is_named(saved: Path, labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labelled / "3").rename(labelled / "three")
    assert main(["evaluate", str(saved), str(labelled)]) == 64
    ended = capsys.readouterr()
    assert "the folder 'three' is not a class of the network (its classes: " in ended.err
    assert (ended.out, ended.err.count("\n")) == ("", 1)


def test_outputs_that_are_not_finite_are_told_in_a_sentence(
    saved: Path, labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = from_bytes(saved.read_bytes()).content
    for name, values in content["weights"].items():
        if name.endswith("bias"):
            values.fill_(float("inf"))
    saved.write_bytes(to_bytes(FORM, content))
    assert main(["evaluate", str(saved), str(labelled)]) == 64
    ended = capsys.readouterr()
    assert "the network's outputs are not finite numbers for this image (" in ended.err
    assert (ended.out, ended.err.count("\n")) == ("", 1)


def test_an_image_that_cannot_be_read_is_named(saved: Path, labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (labelled / "3" / "broken.png").write_text("no image")
    assert main(["evaluate", str(saved), str(labelled)]) == 64
    assert "broken.png" in capsys.readouterr().err


def test_few_images_of_few_classes_are_measured(saved: Path, labelled: Path, told: Callable[..., str]) -> None:
    """A part for testing need not have all that training needs."""
    for folder in sorted(labelled.iterdir())[1:]:
        shutil.rmtree(folder)
    for file in sorted((labelled / "0").iterdir())[1:]:
        file.unlink()
    (labelled / "1").mkdir()
    found = json.loads(told("-o", "json"))
    assert (found["images"], found["per_class"][1:]) == (1, 9 * [None])
    assert "nan" not in told().lower()


def test_a_folder_without_images_is_one_sentence(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty" / "3").mkdir(parents=True)
    assert main(["evaluate", str(saved), str(tmp_path / "empty")]) == 64
    ended = capsys.readouterr()
    assert ended.err.startswith("error: there are no images to measure on (")
    assert (ended.out, ended.err.count("\n")) == ("", 1)
