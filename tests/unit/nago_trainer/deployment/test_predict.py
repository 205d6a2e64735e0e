"""A saved network classifies image files, in Python and on the command line."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nago_trainer.__main__ import main
from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.catalogue import load_images
from nago_trainer.data.digits import load_digits
from nago_trainer.errors import DataError
from nago_trainer.network.prediction import prepared_image
from nago_trainer.network.tensor_file import to_bytes
from nago_trainer.saved_network import load_network
from tests.image_folder import settings_of


def _told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_files_images_and_tensors_of_the_same_pictures_get_the_same_classes(
    saved: Path, digit_files: list[Path]
) -> None:
    network, digits = load_network(saved), load_digits(8)
    predictions = network.predict(digit_files)
    pixels = torch.from_numpy(digits.pixels[:20])
    with ExitStack() as opened:
        assert predictions == network.predict([opened.enter_context(Image.open(file)) for file in digit_files])
    assert predictions == network.predict(pixels) == network.predict(pixels.float() / 255)
    right = [found.class_name == str(label) for found, label in zip(predictions, digits.labels, strict=False)]
    assert sum(right) >= 10
    assert all(sum(found.probabilities) == pytest.approx(1) for found in predictions)
    assert predictions[0].top(2)[0] == (predictions[0].class_name, predictions[0].probability)
    assert network.predict([]) == []


@pytest.mark.parametrize("channels", [1, 3])
def test_files_are_prepared_as_the_images_of_training(image_folder: Path, channels: int) -> None:
    """JPEG and larger than the network's images: a draft of the decoder, then bilinear."""
    draws = np.random.default_rng(1)
    for place in image_folder.glob("*/*.PNG"):
        Image.fromarray(draws.integers(0, 256, (90, 70, 3), dtype=np.uint8)).save(place.with_suffix(".jpg"))
    settings = settings_of(image_folder, size=16, channels=channels)
    trained = torch.from_numpy(load_images(settings).pixels).float() / 255
    files = sorted(image_folder.glob("*/*"), key=lambda file: (file.parent.name, file.name))
    read = torch.stack([prepared_image(file, "", settings) for file in files])
    with ExitStack() as stack:
        images = [stack.enter_context(Image.open(file)) for file in files]
        opened = torch.stack([prepared_image(image, "", settings) for image in images])
    assert torch.equal(read, trained)
    assert torch.equal(opened, trained)


def test_an_image_that_was_opened_can_be_used_afterwards(image_folder: Path) -> None:
    file = image_folder / "cat" / "0.PNG"
    with Image.open(file) as image, Image.open(file) as untouched:
        prepared_image(image, "", settings_of(image_folder, size=4, channels=3))
        assert image.size == (12, 10)
        assert np.array_equal(np.asarray(image), np.asarray(untouched))


@pytest.fixture
def settings(digits_settings: DatasetSettings) -> DatasetSettings:
    return replace(digits_settings, image_rules=2)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.zeros(1, 9, 8, dtype=torch.uint8), r"shape \[1, 9, 8\], and the network needs \[1, 8, 8\]"),
        (torch.zeros(3, 8, 8), r"shape \[3, 8, 8\]"),
        (torch.full((1, 8, 8), 255.0), "floats from 255 to 255"),
        (torch.full((1, 8, 8), -0.5), "floats from -0.5 to -0.5"),
        (torch.full((1, 8, 8), float("nan")), "floats from nan"),
        (torch.zeros(1, 8, 8, dtype=torch.int64), "torch.int64"),
        (Image.new("I", (8, 8)), "integers of 32 bits"),
        (7, "of the type int"),
    ],
)
def test_what_is_no_image_of_the_network_is_refused(image: object, words: str, settings: DatasetSettings) -> None:
    with pytest.raises(DataError, match=words):
        prepared_image(image, "image 0", settings)  # type: ignore[arg-type]  # what a user may give


def _write(name: str, folder: Path) -> Path:
    """A file that is no usual image."""
    file = folder / name
    whole = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)).save(whole, "PNG")
    makers: dict[str, Callable[[], object]] = {
        "text.png": lambda: file.write_text("no image"),
        "folder.png": file.mkdir,
        "missing.png": lambda: None,
        "empty.png": file.touch,
        "cut.png": lambda: file.write_bytes(whole.getvalue()[:200]),
        "dot.png": lambda: Image.new("L", (1, 1), 9).save(file),
        "cmyk.jpg": lambda: Image.new("CMYK", (8, 8), (9, 99, 0, 0)).save(file),
        "wide.png": lambda: Image.fromarray(np.full((8, 8), 40_000, dtype=np.uint16)).save(file),
    }
    makers[name]()
    return file


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text.png", "no known image format"),
        ("folder.png", "Is a directory"),
        ("missing.png", "No such file"),
        ("empty.png", "no known image format"),
        ("cut.png", "cannot read the image"),
    ],
)
def test_a_file_that_is_no_image_is_named_and_the_others_are_classified(
    name: str, words: str, saved: Path, digit_files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = _write(name, tmp_path)
    code, out, err = _told(capsys, "predict", saved, digit_files[0], broken, digit_files[1], "-o", "json")
    first, second, third = json.loads(out)
    assert code == 64
    assert (first["file"], third["file"]) == (str(digit_files[0]), str(digit_files[1]))
    assert words in second["error"]
    assert err == f"error: {second['error']}\n"
    assert first["class"] == first["classes"][0]["class"]


@pytest.mark.parametrize("name", ["dot.png", "cmyk.jpg", "wide.png"])
def test_unusual_images_are_classified(
    name: str, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _told(capsys, "predict", saved, _write(name, tmp_path), "-o", "csv", "-k", 2)
    assert code == 0
    assert [row["rank"] for row in csv.DictReader(StringIO(out))] == ["1", "2"]


def test_a_table_has_a_line_for_each_file(
    saved: Path, digit_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _told(capsys, "predict", saved, *digit_files)
    assert code == 0
    assert [line.partition(": ")[0] for line in out.splitlines()] == [str(file) for file in digit_files]
    assert out.splitlines()[0].count("%") == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "not a file of a saved network"),
        ("text", "not a file of a saved network"),
        ("cut", "not a file of a saved network"),
        ("newer", "upgrade nago-orchestrator"),
    ],
)
def test_a_file_that_is_no_network_is_one_sentence(
    content: str | None, words: str, saved: Path, digit_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    if content is None:
        saved.unlink()
    elif content == "cut":
        saved.write_bytes(saved.read_bytes()[:3000])
    elif content == "newer":
        saved.write_bytes(to_bytes("nago-network-99", {}))
    else:
        saved.write_text(content)
    code, out, err = _told(capsys, "predict", saved, digit_files[0])
    assert (code, out, err.count("\n")) == (64, "", 1)
    assert words in err


def test_outputs_that_are_no_numbers_are_an_error_of_the_file(
    spoilt: Path, digit_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = _told(capsys, "predict", spoilt, digit_files[0], "-o", "json")
    (entry,) = json.loads(out)
    assert (code, err) == (64, f"error: {entry['error']}\n")
    assert entry["error"].startswith("the network's outputs are not finite numbers for this image (")
    assert "NaN" not in out


@pytest.mark.parametrize(
    ("form", "encoding"), [("json", "utf-8"), ("csv", "utf-8"), ("json", "ascii"), ("csv", "ascii")]
)
def test_a_name_that_the_output_cannot_have_is_written_as_escapes(
    saved: Path, digit_files: list[Path], monkeypatch: pytest.MonkeyPatch, form: str, encoding: str
) -> None:
    """Of bytes that are no text in UTF-8."""
    name = os.fsdecode(b"\xff\xc3\xa9\xf0\x9f\x8c\xb9.png")
    file = digit_files[0].rename(digit_files[0].with_name(name))
    written = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(written, encoding=encoding, errors="strict"))
    assert main(["predict", str(saved), str(file), "-o", form]) == 0
    told = written.getvalue().decode(encoding)
    assert "\\udcff" in told
    if form == "json":
        assert json.loads(told)[0]["file"] == str(file)
