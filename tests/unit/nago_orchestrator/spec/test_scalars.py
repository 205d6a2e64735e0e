from __future__ import annotations

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from nago_orchestrator.spec.scalars import read_bytes, read_seconds, read_whole


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("60KiB", 61_440),
        ("60 KiB", 61_440),
        ("1.5MiB", 1_572_864),
        ("2GiB", 2_147_483_648),
        ("40kB", 40_000),
        ("3MB", 3_000_000),
        ("1GB", 10**9),
        ("12B", 12),
        ("12", 12),
        (61_440, 61_440),
    ],
)
def test_sizes(text: Any, bytes_: float) -> None:
    assert read_bytes(text) == bytes_


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("90m", 5400), ("2h", 7200), ("1h30m", 5400), ("1d 2h", 93_600), ("0.5h", 1800), (90, 90)],
)
def test_durations(text: Any, seconds: float) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "KiB", "60 Kib", "60k", "-3KiB", "1e3KiB", "60KiB 3", True, None, [1]])
def test_other_sizes_are_refused(text: Any) -> None:
    with pytest.raises(PydanticCustomError, match="must be a"):
        read_bytes(text)


@pytest.mark.parametrize("text", ["", "h", "2 hours", "-2h", "1:30", "2h3", True, None])
def test_other_durations_are_refused(text: Any) -> None:
    with pytest.raises(PydanticCustomError, match="must be a"):
        read_seconds(text)


@pytest.mark.parametrize("value", [4.0e6, 4_000_000])
def test_whole_numbers_may_be_written_with_an_exponent(value: float) -> None:
    assert read_whole(value) == 4_000_000
    assert type(read_whole(value)) is int
