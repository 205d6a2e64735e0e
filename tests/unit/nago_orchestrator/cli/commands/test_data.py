from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.command_line import Run
from tests.studies import SMALL_BOHB


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    for name, count in (("cat", 5), ("dog", 10)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (9, 8)).save(tmp_path / "pets" / name / f"{number}.png")
    (tmp_path / "pets" / "dog" / "one.heic").write_text("")
    file = tmp_path / "study.yaml"
    file.write_text(SMALL_BOHB.replace("{name: digits}", "{name: folder, path: pets, image_size: 8}"))
    return file


def test_the_images_of_a_study_are_counted(run: Run, study_file: Path) -> None:
    ended = run("data", "check", str(study_file))
    assert ended.code == 0
    assert "12 of 2 classes: 9 for training (1 step per epoch), 3 for validation, 3 for testing" in ended.out
    assert "9×8, resized to 8×8; colour, 3 channels" in ended.out
    assert "1  suffix .heic  dog/one.heic" in ended.out
    assert "an epoch has only 1 step (9 training images, trainer.batch_size 96)" in ended.out


@pytest.mark.slow
def test_for_machines(run: Run, study_file: Path) -> None:
    found = json.loads(run("data", "check", str(study_file), "-o", "json").out)
    assert found["classes"][1] == {"name": "dog", "images": 8, "training": 6, "validation": 2, "test": 2}
    assert (found["images"], found["steps_per_epoch"], found["broken_count"]) == (12, 1, 0)
    table = run("data", "check", str(study_file), "-o", "csv").out
    assert table.splitlines()[1] == "cat,4,3,1,1"


def test_broken_images_are_listed_and_the_exit_code_tells(run: Run, study_file: Path) -> None:
    for name in ("cat/1.png", "dog/3.png"):
        (study_file.parent / "pets" / name).write_text("broken")
    ended = run("data", "check", str(study_file))
    assert ended.code == 3
    assert "broken images (2)" in ended.out
    assert "cat/1.png" in ended.out
    assert "dog/3.png" in ended.out
    refused = run("submit", str(study_file), "--dry-run")
    assert refused.code == 2
    assert "2 images cannot be read, the first because: " in refused.err
    assert "cat/1.png" in refused.err


@pytest.mark.slow
def test_a_name_that_is_no_text_is_printed(run: Run, study_file: Path) -> None:
    name = b"caf\xe9.png"
    (study_file.parent / "pets" / "cat").joinpath(name.decode("utf-8", "surrogateescape")).write_text("broken")
    ended = run("data", "check", str(study_file))
    assert ended.code == 3
    assert "caf" in ended.out
    assert json.loads(run("data", "check", str(study_file), "-o", "json").out)["broken_count"] == 1


@pytest.mark.parametrize(("key", "value"), [("channels", 1), ("classes", 3)])
def test_what_the_study_file_says_of_the_images_must_be_so(run: Run, study_file: Path, key: str, value: int) -> None:
    text = study_file.read_text()
    study_file.write_text(text.replace("image_size: 8}", f"image_size: 8, {key}: {value}}}"))
    ended = run("submit", str(study_file), "--dry-run")
    assert ended.code == 2
    assert f"trainer.dataset.{key} is {value}, and the images have" in ended.err


def test_images_in_a_cluster_cannot_be_looked_at(run: Run, study_file: Path) -> None:
    text = (
        study_file.read_text()
        .replace("path: pets", "path: /pets")
        .replace("execution: {parallelism: 1}", "execution: {where: kubernetes, kubernetes: {image: registry/nago:1}}")
    )
    study_file.write_text(text)
    ended = run("data", "check", str(study_file))
    assert ended.code == 2
    assert "the images of the study are in the cluster" in ended.err


def test_the_images_are_prepared_where_the_study_says(run: Run, study_file: Path) -> None:
    study_file.write_text(study_file.read_text().replace("image_size: 8", "image_size: 8, prepared: kept"))
    ended = run("data", "prepare", str(study_file))
    assert ended.code == 0, ended.err
    assert f"12 images (2.3 kB) are prepared in {study_file.parent / 'kept'}/" in ended.out
    (store,) = (each for each in (study_file.parent / "kept").iterdir() if each.is_dir())
    assert (store / "pixels").stat().st_size == 12 * 3 * 8 * 8  # without the test images


def test_a_folder_that_cannot_have_them_is_told(run: Run, study_file: Path) -> None:
    (study_file.parent / "kept").write_text("no folder")
    study_file.write_text(study_file.read_text().replace("image_size: 8", "image_size: 8, prepared: kept"))
    ended = run("data", "prepare", str(study_file))
    assert ended.code == 2
    assert "cannot prepare the images: " in ended.err
    assert "name another folder" in ended.err


def test_digits_need_no_preparation(run: Run, study_file: Path) -> None:
    study_file.write_text(SMALL_BOHB)
    ended = run("data", "prepare", str(study_file))
    assert ended.code == 2
    assert "the images of digits are read whole, and fast: there is nothing to prepare" in ended.err
