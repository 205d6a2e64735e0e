"""The archives here are tiny but of the true form; the checksums that torchvision expects are set to theirs."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nago_trainer.data.cifar import ARCHIVES, describe_cifar, load_cifar
from nago_trainer.data.torchvision_import import import_torchvision_datasets
from nago_trainer.errors import DataError

PER_BATCH = 6
NAMES = {"cifar10": [f"kind {n}" for n in range(10)], "cifar100": [f"kind {n}" for n in range(100)]}


def _write_archive(root: Path, name: str) -> None:
    archive = ARCHIVES[name]
    (root / archive.folder).mkdir(parents=True)
    labels_key = "labels" if name == "cifar10" else "fine_labels"
    for number, file in enumerate(archive.batches):
        pixels = np.random.default_rng(number).integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8)
        batch = {"data": pixels, labels_key: [(number + n) % 10 for n in range(PER_BATCH)]}
        (root / archive.folder / file).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {archive.names_key: NAMES[name]}
    (root / archive.folder / archive.meta).write_bytes(pickle.dumps(meta, protocol=2))


def _expect(monkeypatch: pytest.MonkeyPatch, root: Path, name: str) -> None:
    dataset: Any = getattr(import_torchvision_datasets(), ARCHIVES[name].torchvision_name)

    def checksum(file: str) -> str:
        return hashlib.md5((root / ARCHIVES[name].folder / file).read_bytes(), usedforsecurity=False).hexdigest()

    for batches in ("train_list", "test_list"):
        # Small files in place of 160 MB.
        monkeypatch.setattr(dataset, batches, [[file, checksum(file)] for file, _ in getattr(dataset, batches)])
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": checksum(dataset.meta["filename"])})


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("inside", [False, True])
def test_the_training_images_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, inside: bool) -> None:
    _write_archive(tmp_path, name)
    _expect(monkeypatch, tmp_path, name)
    images = load_cifar(name, tmp_path / ARCHIVES[name].folder if inside else tmp_path, 32)
    batches = 5 if name == "cifar10" else 1
    assert images.pixels.shape == (batches * PER_BATCH, 3, 32, 32)
    assert np.array_equal(
        images.pixels[:PER_BATCH].reshape(PER_BATCH, -1),
        np.random.default_rng(0).integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8),
    )
    assert images.labels[:PER_BATCH].tolist() == [0, 1, 2, 3, 4, 5]
    assert images.class_names == tuple(NAMES[name])


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_test_images_are_read_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _write_archive(tmp_path, name)
    _expect(monkeypatch, tmp_path, name)
    images = load_cifar(name, tmp_path, 32, train=False)
    last = len(ARCHIVES[name].batches) - 1
    assert np.array_equal(
        images.pixels.reshape(PER_BATCH, -1),
        np.random.default_rng(last).integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8),
    )


def test_images_are_resized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_archive(tmp_path, "cifar10")
    _expect(monkeypatch, tmp_path, "cifar10")
    assert load_cifar("cifar10", tmp_path, 16).pixels.shape == (30, 3, 16, 16)


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_description_has_the_names_and_the_published_number_of_images(tmp_path: Path, name: str) -> None:
    _write_archive(tmp_path, name)
    found = describe_cifar(name, tmp_path)
    assert found.class_names == tuple(NAMES[name])
    assert (found.channels, found.images, found.size) == (3, 50_000, 32)


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    _write_archive(tmp_path, name)
    missing = ARCHIVES[name].batches[-1]
    (tmp_path / ARCHIVES[name].folder / missing).unlink()
    for read in (lambda: describe_cifar(name, tmp_path), lambda: load_cifar(name, tmp_path, 32)):
        with pytest.raises(DataError, match=rf"is missing \(.*{missing}\): extract {ARCHIVES[name].archive}"):
            read()


def test_files_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    _write_archive(tmp_path, "cifar10")
    with pytest.raises(DataError, match=r"is damaged \(.*\): remove it and extract cifar-10-python"):
        load_cifar("cifar10", tmp_path, 32)


class _Intruder:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("intruded"),)


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps([]), pickle.dumps({"label_names": _Intruder()})])
def test_names_are_read_without_running_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    _write_archive(tmp_path, "cifar10")
    (tmp_path / "cifar-10-batches-py" / "batches.meta").write_bytes(content)
    with pytest.raises(DataError, match=r"damaged file: .*batches\.meta"):
        describe_cifar("cifar10", tmp_path)
    assert not (tmp_path / "intruded").exists()
