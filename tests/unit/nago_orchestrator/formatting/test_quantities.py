from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from nago_orchestrator.formatting import quantities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (quantities.percent(0.97314), "97.31 %"),
        (quantities.percent(math.nan), "nan"),
        (quantities.count(1234567), "1,234,567"),
        (quantities.number(3), "3"),
        (quantities.number(1 / 3), "0.3333"),
        (quantities.number(2.0), "2"),
        (quantities.number(math.inf), "inf"),
        (quantities.size(0), "0 B"),
        (quantities.size(999), "999 B"),
        (quantities.size(1530000), "1.53 MB"),
        (quantities.size(999_600), "1 MB"),
        (quantities.size(5e15), "5e+03 TB"),
        (quantities.duration(0.04), "0.0 s"),
        (quantities.duration(59.96), "60.0 s"),
        (quantities.duration(3725), "1 h 2 min"),
        (quantities.duration(90), "1 min 30 s"),
        (quantities.duration(3600 * 50), "2 d 2 h"),
        (quantities.duration(math.inf), "inf"),
        (quantities.moment("2026-03-01T08:00:00+00:00"), "2026-03-01 08:00:00 UTC"),
        (quantities.moment(datetime(2026, 3, 1, 8, tzinfo=UTC)), "2026-03-01 08:00:00 UTC"),
        (quantities.objective("error", 0.05), "5.00 %"),
        (quantities.objective("memory", 2000), "2 kB/sample"),
        (quantities.objective("seconds", 61), "1 min 1 s"),
        (quantities.objective("loss", 0.123456), "0.1235"),
    ],
)
def test_numbers_read_well(text: str, expected: str) -> None:
    assert text == expected
