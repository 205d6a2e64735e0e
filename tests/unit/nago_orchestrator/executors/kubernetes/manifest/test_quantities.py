from __future__ import annotations

import pytest

from nago_orchestrator.executors.kubernetes.manifest.quantities import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", 0.5),
        ("2", 2),
        (3, 3),
        (0.5, 0.5),
        ("1.5Gi", 1.5 * 2**30),
        ("1e3", 1000),
        ("12e9", 12e9),
        ("12E9", 12e9),
        ("100u", 1e-4),
        ("100n", 1e-7),
        ("12E", 12e18),
        ("3k", 3000),
    ],
)
def test_quantities_in_all_their_forms(text: object, value: float) -> None:
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["many", "", "16GB", "1.5.2", "Gi"])
def test_what_is_no_quantity_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the sentence is the package's
        quantity(text)
