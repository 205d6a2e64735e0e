from __future__ import annotations

from nago_orchestrator.cli.output.former_names import with_former_names


def test_former_names_keep_their_places_and_new_ones_follow() -> None:
    row = {"proposal": 3, "evaluated_at": "noon", "final_training": False, "samples": 2}
    assert list(with_former_names(row).items()) == [
        ("proposal", 3),
        ("told_at", "noon"),
        ("final", False),
        ("samples", 2),
        ("evaluated_at", "noon"),
        ("final_training", False),
    ]


def test_a_row_without_renamed_keys_stays_as_it_is() -> None:
    assert with_former_names({"trial": 1}) == {"trial": 1}
