from __future__ import annotations

from nago_trainer.contract.back_off import BackOff

BACK_OFF = BackOff(first=0.5, longest=10.0)


def test_pauses_double_up_to_the_longest() -> None:
    assert [BACK_OFF.pause(failures) for failures in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert BACK_OFF.pause(10_000) == 10.0


def test_jitter_spreads_a_pause_around_its_middle() -> None:
    assert [BACK_OFF.jittered(1, lambda: 0.0), BACK_OFF.jittered(1, lambda: 1.0)] == [0.5, 1.5]
    assert all(0.25 <= BACK_OFF.jittered(0) <= 0.75 for _ in range(100))
