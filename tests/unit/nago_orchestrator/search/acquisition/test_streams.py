from __future__ import annotations

from nago_orchestrator.search.acquisition.streams import streams


def test_seeds_of_one_choice_differ_and_follow_from_its_seed() -> None:
    first = streams(3, 6)
    assert len(set(first)) == 6
    assert first == streams(3, 6)
    assert first[:2] == streams(3, 2)
    assert not set(first) & set(streams(4, 6))
    assert all(0 <= seed < 2**32 for seed in first)
