from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from PIL import Image

from nago_trainer.data.examination import examine_all

AN_HOUR_AGO = time.time() - 3600


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.new("L", (7, 5)).save(tmp_path / "i.png")
    os.utime(tmp_path / "i.png", (AN_HOUR_AGO, AN_HOUR_AGO))
    return tmp_path / "i.png"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "images.json"


def _spoil(image: Path, *, changed_at: float) -> None:
    """Other contents of the same size: who sees them has read the file."""
    image.write_bytes(b"x" * image.stat().st_size)
    os.utime(image, (changed_at, changed_at))


def test_a_file_that_did_not_change_is_not_read_again(image: Path, kept: Path) -> None:
    first = examine_all([image], kept)
    _spoil(image, changed_at=AN_HOUR_AGO)
    assert examine_all([image], kept) == first
    assert (first[0].width, first[0].height, first[0].grey, first[0].broken) == (7, 5, True, None)


def test_one_that_changed_is(image: Path, kept: Path) -> None:
    (first,) = examine_all([image], kept)
    _spoil(image, changed_at=AN_HOUR_AGO + 60)
    (second,) = examine_all([image], kept)
    assert second.broken is not None
    assert second.digest != first.digest


def test_a_touched_file_is_read_and_found_the_same(image: Path, kept: Path) -> None:
    first = examine_all([image], kept)
    os.utime(image)
    assert examine_all([image], kept) == first


def test_one_that_changed_just_now_is_not_relied_on(image: Path, kept: Path) -> None:
    now = time.time()
    os.utime(image, (now, now))
    examine_all([image], kept)
    _spoil(image, changed_at=now)
    assert examine_all([image], kept)[0].broken is not None


@pytest.mark.parametrize("content", ["", "[]", '{"form": 0}', '{"files": 3}', '{"form": [1, 2, "0"], "files": {}}'])
def test_a_damaged_file_of_what_was_found_is_made_anew(image: Path, kept: Path, content: str) -> None:
    first = examine_all([image], kept)
    kept.write_text(content)
    assert examine_all([image], kept) == first
    assert str(image) in kept.read_text()


def test_where_nothing_can_be_kept_all_is_examined(image: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert examine_all([image], tmp_path / "file" / "kept.json")[0].broken is None
    assert list(tmp_path.glob("**/*.json")) == []
