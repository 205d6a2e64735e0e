from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nago_trainer.data.examination import Manner, examine_all
from nago_trainer.data.picture import content_digest

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


@pytest.mark.parametrize(
    "changes",
    [
        {"grey": 1},
        {"width": "7"},
        {"height": -1},
        {"width": 10**400},
        {"peak": [1]},
        {"digest": "x"},
        {"digest": None},
        {"broken": "it is not"},
        {"mtime_ns": None},
        {"size": {}},
    ],
)
def test_what_no_examination_can_have_kept_of_a_file_is_not_believed(
    image: Path, kept: Path, changes: dict[str, Any]
) -> None:
    first = examine_all([image], kept)
    content = json.loads(kept.read_text())
    content["files"][str(image)].update(changes)
    kept.write_text(json.dumps(content))
    assert examine_all([image], kept) == first


def test_a_broken_one_is_looked_at_again(image: Path, kept: Path) -> None:
    whole = image.read_bytes()
    _spoil(image, changed_at=AN_HOUR_AGO)
    assert examine_all([image], kept)[0].broken is not None
    image.write_bytes(whole)
    os.utime(image, (AN_HOUR_AGO, AN_HOUR_AGO))
    assert examine_all([image], kept)[0].broken is None


def test_what_was_kept_is_passed_over_where_all_is_to_be_looked_at_and_then_replaced(image: Path, kept: Path) -> None:
    examine_all([image], kept)
    _spoil(image, changed_at=AN_HOUR_AGO)
    (looked,) = examine_all([image], kept, Manner(anew=True))
    assert looked.digest == content_digest(image.read_bytes())
    assert examine_all([image], kept) == [looked]


def test_a_place_that_never_ends_is_not_read(image: Path, kept: Path) -> None:
    kept.parent.mkdir()
    os.mkfifo(kept)
    assert examine_all([image], kept)[0].broken is None


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
