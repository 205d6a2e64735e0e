from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.catalogue import images_stamp, load_images
from nago_trainer.errors import DataChangedError
from tests.image_folder import survey_folder


def _fingerprint(folder: Path) -> str:
    found = survey_folder(folder, 0.2, None).fingerprint
    assert found is not None
    return found


def _image(file: Path, brightness: int = 7) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10), (brightness, 0, 0)).save(file, "PNG")


def _rename_class(folder: Path) -> None:
    (folder / "cat").rename(folder / "feline")


def _add(folder: Path) -> None:
    for number in range(5):
        _image(folder / "cat" / f"new{number}.png")


def _remove(folder: Path) -> None:
    (folder / "Dog" / "2.PNG").unlink()


def _move(folder: Path) -> None:
    (folder / "Dog" / "2.PNG").rename(folder / "cat" / "9.PNG")


def _replace(folder: Path) -> None:
    """By an image of the same size, at the same time."""
    file = folder / "cat" / "1.PNG"
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(bytes(content))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: list[tuple[Callable[[Path], None], tuple[str, ...]]] = [
    (_rename_class, ("the class 'cat' was removed", "the class 'feline' was added")),
    (_add, ("added: cat/new0.png, cat/new1.png, cat/new2.png and 2 more",)),
    (_remove, ("removed: Dog/2.PNG",)),
    (_move, ("added: cat/9.PNG", "removed: Dog/2.PNG")),
    (_replace, ("changed: cat/1.PNG",)),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_has_changed_is_told(
    image_folder: Path, tmp_path: Path, change: Callable[[Path], None], told: tuple[str, ...]
) -> None:
    kept = tmp_path / "kept" / "images.json"
    before = survey_folder(image_folder, 0.2, kept).fingerprint
    change(image_folder)
    now = survey_folder(image_folder, 0.2, kept, before)
    assert now.fingerprint != before
    assert now.changes == told


def test_without_a_manifest_of_before_nothing_is_told(image_folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "images.json"
    assert survey_folder(image_folder, 0.2, kept, "0" * 64).changes == ()
    (manifest,) = kept.parent.glob(f"{_fingerprint(image_folder)}.manifest.json")
    for content in ("{}", '{"cat/a": 7}', '{"cat/\\ud800": "0"}'):
        manifest.write_text(content)
        assert survey_folder(image_folder, 0.2, kept, _fingerprint(image_folder)).changes == ()


def test_touched_and_left_out_files_change_nothing(image_folder: Path) -> None:
    before = _fingerprint(image_folder)
    for file in image_folder.rglob("*.PNG"):
        os.utime(file, (1, 1))
    (image_folder / "cat" / "notes.txt").write_text("new")
    (image_folder / ".cache").mkdir()
    assert _fingerprint(image_folder) == before
    moved = image_folder.rename(image_folder.parent / "elsewhere")
    assert _fingerprint(moved) == before


@pytest.mark.parametrize("change", [change for change, _ in CHANGES])
def test_a_trial_refuses_other_images(
    image_folder: Path, digits_settings: DatasetSettings, change: Callable[[Path], None]
) -> None:
    settings = replace(
        digits_settings,
        name="folder",
        path=str(image_folder),
        channels=3,
        classes=2,
        fingerprint=_fingerprint(image_folder),
    )
    load_images(settings)
    stamp = images_stamp(settings)
    assert images_stamp(settings) == stamp
    change(image_folder)
    with pytest.raises(DataChangedError, match="the images have changed since the study began"):
        load_images(settings)
    if change is not _replace:  # whose time was set back
        assert images_stamp(settings) != stamp
