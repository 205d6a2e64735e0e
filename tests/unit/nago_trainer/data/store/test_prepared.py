"""Prepared images are those of the folder, and nothing that happens to a store ever gives others."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
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
from nago_trainer.data.store import plan, prepared
from nago_trainer.data.store.draft import DraftPixels, _move_useless, commit
from nago_trainer.data.store.sealed import read_sealed, write_sealed
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


def test_the_images_are_decoded_once(
    settings: DatasetSettings, image_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load_images(settings)
    assert "are not looked at" not in capfd.readouterr().err
    moved = image_folder.rename(tmp_path / "elsewhere")
    images = load_images(settings)
    moved.rename(image_folder)
    assert capfd.readouterr().err.count("the original files are not looked at") == 1
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


@pytest.fixture
def unasked(settings: DatasetSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetSettings:
    """Of a study that sets neither key, with more pixels than are usually held in memory."""
    monkeypatch.setattr(plan, "USUAL_IMAGE_MEMORY", ALL - 1)
    monkeypatch.setenv("NAGO_PREPARED", str(tmp_path / "prepared"))
    return replace(settings, prepared=None, memory=None)


@pytest.mark.parametrize("room", [ALL - 1, ALL], ids=["at once", "at the end"])
def test_a_study_that_asks_for_no_store_trains_where_none_can_be_made(
    unasked: DatasetSettings, room: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with disk_with_room_for(room):
        images = load_images(unasked)
    assert images.store is None
    assert len(images.pixels) == len(images.labels)
    assert capfd.readouterr().err.count("the images are read into memory") == 1
    assert load_images(unasked).store is not None


def test_a_study_that_asks_for_no_store_trains_beside_a_file_of_that_name(
    unasked: DatasetSettings, tmp_path: Path
) -> None:
    (tmp_path / "prepared").write_text("no folder")
    images_stamp(unasked)
    assert load_images(unasked).store is None


def _without_classes(index: dict[str, np.ndarray]) -> None:
    index["text"] = np.frombuffer(b"{}", dtype=np.uint8)


def _list_as_text(index: dict[str, np.ndarray]) -> None:
    index["text"] = np.frombuffer(b"[1]", dtype=np.uint8)


def _no_shape(index: dict[str, np.ndarray]) -> None:
    index["shape"] = np.array([], dtype=np.int64)


def _one_label(index: dict[str, np.ndarray]) -> None:
    index["labels"] = np.array(1)


@pytest.mark.parametrize("change", [_without_classes, _list_as_text, _no_shape, _one_label])
def test_a_sealed_index_of_unexpected_contents_is_made_anew(
    settings: DatasetSettings, change: Callable[[dict[str, np.ndarray]], None]
) -> None:
    load_images(settings)
    file = _folder_of(settings) / "index"
    index = read_sealed(file)
    change(index)
    write_sealed(file, index)
    _assert_same(load_images(settings), settings)
    _assert_without_drafts(settings)


def test_without_locks_a_store_that_came_in_between_stays(
    settings: DatasetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    between: list[int] = []

    def late(images: ImageSet, pixels: DraftPixels, folder: Path) -> None:
        monkeypatch.setattr(prepared, "commit", commit)
        load_images(settings)  # another, after the last look of the first
        between.append((folder / "index").stat().st_ino)
        commit(images, pixels, folder)

    monkeypatch.setattr(prepared, "commit", late)
    _assert_same(load_images(settings), settings)
    assert between == [(_folder_of(settings) / "index").stat().st_ino]
    _assert_without_drafts(settings)


@pytest.mark.parametrize("useful", [True, False])
def test_only_a_useless_store_is_moved_away(settings: DatasetSettings, useful: bool) -> None:
    load_images(settings)
    folder = _folder_of(settings)
    if not useful:
        _cut_index(folder)
    _move_useless(folder)
    assert folder.exists() == useful
    _assert_without_drafts(settings)


def test_the_lock_of_another_user_is_no_obstacle() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs a second user")
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)  # of another place than tmp_path, which is closed to others
        store = Path(name) / "store"
        with prepared._alone(store):
            pass
        os.seteuid(65534)
        try:
            with prepared._alone(store), store.with_name("store.lock").open() as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.seteuid(0)
