"""Prepared images are those of the folder, and nothing that happens to a store ever gives others."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import TEST, DatasetSettings
from nago_trainer.data import catalogue
from nago_trainer.data.catalogue import READERS, images_stamp, load_images, survey
from nago_trainer.data.images import ImageSet, RowsOf
from nago_trainer.data.store import prepared
from nago_trainer.data.store.draft import DraftPixels, commit
from nago_trainer.errors import DataChangedError, DataError, StorageError
from tests.disk import disk_with_room_for
from tests.image_folder import settings_of

SIZE = 8
IMAGE_BYTES = 3 * SIZE * SIZE
ALL = 6 * IMAGE_BYTES


@pytest.fixture
def settings(image_folder: Path, tmp_path: Path) -> DatasetSettings:
    """Of images that do not fit into the memory that they may take."""
    of_folder = replace(settings_of(image_folder, SIZE, 3), prepared=str(tmp_path / "prepared"), memory=ALL - 1)
    return _with_fingerprint(of_folder)


def _with_fingerprint(settings: DatasetSettings) -> DatasetSettings:
    return replace(settings, fingerprint=survey(DataSource.of(settings)).fingerprint)


def _pixels(images: ImageSet) -> np.ndarray:
    return images.pixels if images.store is None else images.store.read(np.arange(len(images.labels)))


def _assert_same(images: ImageSet, settings: DatasetSettings) -> None:
    plain = load_images(replace(settings, prepared=None, memory=None))
    assert plain.store is None
    assert np.array_equal(_pixels(images), plain.pixels)
    assert images.counts is not None
    assert plain.counts is not None
    assert np.array_equal(images.counts, plain.counts)
    _assert_same_part(images, plain)
    if plain.test is not None:
        assert images.test is not None
        assert np.array_equal(_pixels(images.test), plain.test.pixels)
        _assert_same_part(images.test, plain.test)


def _assert_same_part(images: ImageSet, plain: ImageSet) -> None:
    """In all but their pixels: a new field of an image set belongs into the store too."""
    for name in {field.name for field in fields(ImageSet)} - {"pixels", "store", "test", "counts"}:
        of_store, of_folder = (
            value.tolist() if isinstance(value, np.ndarray) else value
            for value in (getattr(images, name), getattr(plain, name))
        )
        assert of_store == of_folder, name


def _folder_of(settings: DatasetSettings) -> Path:
    (folder,) = (each for each in Path(settings.prepared or "").iterdir() if each.is_dir())
    return folder


def test_prepared_images_are_those_of_the_folder(settings: DatasetSettings) -> None:
    first, second = load_images(settings), load_images(settings)
    assert first.store is not None
    for images in (first, second):
        _assert_same(images, settings)
        assert len(images.pixels) == 0


def test_those_that_fit_into_memory_are_prepared_too_and_lie_there(settings: DatasetSettings) -> None:
    for _ in range(2):
        images = load_images(replace(settings, memory=ALL))
        assert images.store is None
        _assert_same(images, settings)
    _folder_of(settings)


def test_the_images_are_decoded_once(settings: DatasetSettings, image_folder: Path, tmp_path: Path) -> None:
    load_images(settings)
    moved = image_folder.rename(tmp_path / "elsewhere")
    images = load_images(settings)
    moved.rename(image_folder)
    _assert_same(images, settings)


def test_another_size_or_fingerprint_is_another_store(settings: DatasetSettings, image_folder: Path) -> None:
    load_images(settings)
    assert load_images(replace(settings, image_size=4)).pixels.shape[1:] == (3, 4, 4)
    (image_folder / "cat" / "0.PNG").unlink()
    with pytest.raises(DataChangedError):
        load_images(replace(settings, fingerprint="0" * 64))
    _assert_without_drafts(settings)


def test_the_images_of_every_part_of_a_folder_are_prepared(
    settings: DatasetSettings, image_folder: Path, tmp_path: Path
) -> None:
    for part in ("train", "validation", "test"):
        shutil.copytree(image_folder, tmp_path / "parts" / part)
    (tmp_path / "parts" / "test" / "cat" / "0.PNG").unlink()
    of_parts = _with_fingerprint(replace(settings, path=str(tmp_path / "parts")))
    for asked in (of_parts, replace(of_parts, measured_on=TEST), replace(of_parts, measured_on=TEST, memory=10**6)):
        for _ in range(2):
            _assert_same(load_images(asked), asked)


def test_groups_and_parts_of_a_list_are_kept(settings: DatasetSettings, image_folder: Path, tmp_path: Path) -> None:
    names = [f"{folder}/{number}.PNG" for folder in ("cat", "Dog") for number in range(3)]
    rows = [f"{name},{name[:3]},{'ab'[number % 2]}{name[:3]}" for number, name in enumerate(names)]
    (tmp_path / "list.csv").write_text("\n".join(["file,label,group", *rows]))
    of_list = _with_fingerprint(replace(settings, labels=str(tmp_path / "list.csv")))
    for _ in range(2):
        images = load_images(of_list)
        assert images.groups is not None
        _assert_same(images, of_list)


def test_without_a_place_they_are_read_into_memory_unless_that_is_too_much(settings: DatasetSettings) -> None:
    assert load_images(replace(settings, prepared=None, memory=ALL)).store is None
    with pytest.raises(DataError, match=r"take 1,152 bytes, more than trainer\.dataset\.memory \(1,151\)"):
        load_images(replace(settings, prepared=None))


def test_a_default_place_is_for_those_alone_that_do_not_fit(
    settings: DatasetSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAGO_PREPARED", str(tmp_path / "usual"))
    assert load_images(replace(settings, prepared=None, memory=ALL)).store is None
    assert not (tmp_path / "usual").exists()
    assert load_images(replace(settings, prepared=None)).store is not None
    assert (tmp_path / "usual").is_dir()


def _cut_pixels(folder: Path) -> None:
    os.truncate(folder / "pixels", ALL - 1)


def _lose_pixels(folder: Path) -> None:
    (folder / "pixels").unlink()


def _cut_index(folder: Path) -> None:
    os.truncate(folder / "index", 100)


def _other_version(folder: Path) -> None:
    content = (folder / "index").read_bytes()
    (folder / "index").write_bytes(content.replace(b"nago-prepared-1", b"nago-prepared-0", 1))


def _change_index(folder: Path) -> None:
    content = bytearray((folder / "index").read_bytes())
    content[-30] ^= 1
    (folder / "index").write_bytes(bytes(content))


def _lose_index(folder: Path) -> None:
    (folder / "index").unlink()


def _change_counts(folder: Path) -> None:
    (file,) = folder.glob("counts-*")
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "damage",
    [_cut_pixels, _lose_pixels, _cut_index, _other_version, _change_index, _lose_index, _change_counts],
)
def test_a_damaged_store_is_made_anew(settings: DatasetSettings, damage: Callable[[Path], None]) -> None:
    load_images(settings)
    damage(_folder_of(settings))
    _assert_same(load_images(settings), settings)
    _assert_without_drafts(settings)


def test_a_damaged_pixel_is_never_trained_on_and_the_next_attempt_prepares_anew(settings: DatasetSettings) -> None:
    images = load_images(settings)
    file = _folder_of(settings) / "pixels"
    content = bytearray(file.read_bytes())
    content[3 * IMAGE_BYTES + 5] ^= 1
    file.write_bytes(bytes(content))
    again = load_images(settings)
    assert images.store is not None
    assert again.store is not None
    again.store.read(np.array([2, 4]))
    stamp = images_stamp(settings)
    assert stamp == images_stamp(settings)
    with pytest.raises(StorageError, match=r"damaged .*: the next attempt prepares them anew"):
        again.store.read(np.array([2, 3]))
    assert images_stamp(settings) != stamp  # so that the fork server opens the store again
    _assert_same(load_images(settings), settings)


def test_a_full_disk_is_told_before_the_first_image_is_decoded(settings: DatasetSettings) -> None:
    with disk_with_room_for(ALL - 1), pytest.raises(StorageError, match=r"cannot prepare the images: File too large"):
        load_images(settings)
    _assert_without_drafts(settings)
    _assert_same(load_images(settings), settings)


def test_a_disk_that_is_full_at_the_end_leaves_nothing(settings: DatasetSettings) -> None:
    with disk_with_room_for(ALL), pytest.raises(StorageError, match=r"cannot prepare the images: File too large"):
        load_images(settings)
    _assert_without_drafts(settings)
    _assert_same(load_images(settings), settings)


def test_prepared_images_are_read_where_nothing_can_be_written(settings: DatasetSettings) -> None:
    load_images(settings)
    for file in _folder_of(settings).glob("counts-*"):
        file.unlink()
    with disk_with_room_for(0):
        _assert_same(load_images(settings), settings)
    assert not list(_folder_of(settings).glob("counts-*"))


def test_a_place_that_is_a_file_is_told(settings: DatasetSettings, tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("no folder")
    with pytest.raises(StorageError, match=r"cannot prepare the images: .*prepared"):
        load_images(settings)


def test_what_a_killed_process_left_is_removed(settings: DatasetSettings) -> None:
    load_images(settings)
    folder = _folder_of(settings)
    left = folder.with_name(f"{folder.name}.0123.draft")
    left.mkdir()
    (left / "pixels").write_bytes(b"half")
    _lose_index(folder)
    _assert_same(load_images(settings), settings)
    _assert_without_drafts(settings)


def test_two_at_once_prepare_once(settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    committed: list[Path] = []

    def counted(images: ImageSet, pixels: DraftPixels, folder: Path) -> None:
        committed.append(folder)
        commit(images, pixels, folder)

    monkeypatch.setattr(prepared, "commit", counted)
    together = threading.Barrier(4)
    found: list[ImageSet] = []

    def load() -> None:
        together.wait()
        found.append(load_images(settings))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for images in found:
        _assert_same(images, settings)
    assert len(committed) == 1


def test_without_locks_the_first_one_stays(settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    inside: list[ImageSet] = []
    read = READERS["folder"].load_into
    assert read is not None

    def slow(path: Path, asked: DatasetSettings, rows_of: RowsOf) -> ImageSet:
        images = read(path, asked, rows_of)
        if not inside:
            inside.append(images)
            inside.append(load_images(settings))  # another, in the middle of the first
        return images

    monkeypatch.setattr(catalogue, "READERS", {"folder": replace(READERS["folder"], load_into=slow)})
    _assert_same(load_images(settings), settings)
    _assert_same(inside[1], settings)
    _assert_without_drafts(settings)


def _assert_without_drafts(settings: DatasetSettings) -> None:
    assert not list(Path(settings.prepared or "").glob("*.draft"))
