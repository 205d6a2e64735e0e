"""A file that cannot be written whole is not there, and what was there before still is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nago_trainer.whole_file import write_whole
from tests.disk import disk_with_room_for


def test_the_parts_follow_each_other_and_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    write_whole(path, b"one", memoryview(b"two"))
    assert path.read_bytes() == b"onetwo"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("room", [0, 4])
def test_a_disk_without_room_keeps_what_was_there(tmp_path: Path, room: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with disk_with_room_for(room), pytest.raises(OSError, match="too large"):
        write_whole(path, b"one", b"two")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
