from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nago_trainer.data.folder import AHEAD, in_parallel
from nago_trainer.errors import DataError, StorageError
from tests.image_folder import describe_folder, load_folder, settings_of


def _cut(path: Path) -> None:
    file = path / "cat" / "1.PNG"
    file.write_bytes(file.read_bytes()[:-60])


def _hollow(path: Path) -> None:
    (path / "cat" / "1.PNG").write_bytes(b"")


def _disguise(path: Path) -> None:
    (path / "cat" / "1.PNG").write_text("no image")


def _empty_class(path: Path) -> None:
    (path / "emu").mkdir()
    (path / "emu" / "notes.txt").write_text("no image")


def _single_image(path: Path) -> None:
    for name in ("1", "2"):
        (path / "cat" / f"{name}.PNG").unlink()


def _single_class(path: Path) -> None:
    (path / "Dog").rename(path.parent / "Dog")


def _remove(path: Path) -> None:
    path.rename(path.parent / "elsewhere")


def _file_instead(path: Path) -> None:
    _remove(path)
    path.write_text("no folder")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_cut, r"cannot read the image: .*cat/1\.PNG\): repair or remove it"),
        (_hollow, r"cannot read the image: .*cat/1\.PNG"),
        (_disguise, r"cannot read the image: .*cat/1\.PNG"),
        (_empty_class, r"the class 'emu' has no images, .*images\)"),
        (_single_image, r"the class 'cat' has a single image, .*images\): add images"),
        (_single_class, r"the dataset has a single subfolder \(.*images\): give a folder with at least two"),
        (_remove, r"there is no such folder .*images.*: give a folder with at least two subfolders"),
        (_file_instead, r"the path of the dataset is a file \(.*images\)"),
    ],
)
def test_what_is_wrong_is_named_when_described_and_when_loaded(
    image_folder: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(image_folder)
    with pytest.raises(DataError, match=message):
        describe_folder(image_folder)
    with pytest.raises(DataError, match=message):
        load_folder(image_folder, settings_of(image_folder, 8, 3))


def test_the_first_broken_image_is_named(image_folder: Path) -> None:
    for name in ("0", "2"):
        (image_folder / "cat" / f"{name}.PNG").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"cat/0\.PNG"):
        describe_folder(image_folder)


def test_classes_in_the_order_of_their_names(image_folder: Path) -> None:
    images = load_folder(image_folder, settings_of(image_folder, 8, 3))
    assert images.class_names == ("Dog", "cat")
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.pixels.shape == (6, 3, 8, 8)


def test_hidden_and_foreign_files_are_ignored(image_folder: Path) -> None:
    before = describe_folder(image_folder)
    (image_folder / ".cache").mkdir()
    (image_folder / "README.md").write_text("about")
    (image_folder / "cat" / ".hidden.png").write_text("no image")
    (image_folder / "cat" / "notes.txt").write_text("no image")
    (image_folder / "cat" / "folder.png").mkdir()
    assert describe_folder(image_folder) == before


def test_a_folder_is_described_as_it_is_loaded(image_folder: Path) -> None:
    found = describe_folder(image_folder)
    images = load_folder(image_folder, settings_of(image_folder, 4, found.channels))
    assert (found.channels, found.classes, found.images, found.size) == (3, 2, 6, 10)
    assert images.class_names == found.class_names
    assert len(images.labels) == found.images


def test_one_channel_only_if_every_image_is_grey(image_folder: Path) -> None:
    for file in image_folder.rglob("*.PNG"):
        Image.open(file).convert("L").save(file)
    assert describe_folder(image_folder).channels == 1
    assert load_folder(image_folder, settings_of(image_folder, 8, 1)).pixels.shape == (6, 1, 8, 8)
    Image.new("RGB", (8, 8)).save(image_folder / "cat" / "3.png")
    assert describe_folder(image_folder).channels == 3


def test_pixels_of_the_right_size_are_taken_as_they_are(image_folder: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(image_folder / "Dog" / "0.PNG")
    assert np.array_equal(
        load_folder(image_folder, settings_of(image_folder, 8, 3)).pixels[0], pixels.transpose(2, 0, 1)
    )


@pytest.mark.slow
def test_loading_takes_little_more_memory_than_the_images(image_folder: Path) -> None:
    for number in range(400):
        Image.new("RGB", (8, 8), (number % 256, 0, 0)).save(image_folder / "cat" / f"{number:03d}.png")
    tracemalloc.start()
    try:
        images = load_folder(image_folder, settings_of(image_folder, 64, 3))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * images.pixels.nbytes


def test_from_storage_that_fails_nothing_follows_for_the_images(image_folder: Path) -> None:
    settings = replace(settings_of(image_folder, 8, 3), fingerprint="a" * 64)
    (image_folder / "cat" / "9.PNG").symlink_to("/proc/self/mem")  # a file by all signs, and an input/output error
    with pytest.raises(StorageError, match="Input/output error"):
        load_folder(image_folder, settings)


def test_few_files_are_under_way_at_a_time_however_many_there_are() -> None:
    asked: list[int] = []

    class Files(list[int]):
        def __iter__(self) -> Iterator[int]:
            for file in super().__iter__():
                asked.append(file)
                yield file

    first_may_end, threads = threading.Event(), set[int]()

    def read(file: int) -> int:
        threads.add(threading.get_ident())
        if file == 0:
            assert first_may_end.wait(30)
        return -file

    taken: list[int] = []

    def release() -> None:
        """Once the others have been taken as far as they are without the first."""
        taken.append(len(asked))
        first_may_end.set()

    threading.Timer(0.2, release).start()
    assert in_parallel(read, Files(range(10_000)), threads=3) == [-file for file in range(10_000)]
    assert taken[0] <= 3 * AHEAD + 1
    assert len(threads) <= 3
