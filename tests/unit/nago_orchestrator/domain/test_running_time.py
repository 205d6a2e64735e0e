from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nago_orchestrator.domain.running_time import LONGEST_STEP, RunningTime

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(*looks: tuple[int, bool], counted: int = 0) -> timedelta:
    """`looks`: second and whether the study runs."""
    time = RunningTime(counted=timedelta(seconds=counted))
    for second, runs in looks:
        time = time.at(NOW + timedelta(seconds=second), runs=runs)
    return time.counted


def test_what_lies_between_looks_counts_while_the_study_runs() -> None:
    assert after((0, True), (5, True), (65, True), counted=7) == timedelta(seconds=72)


def test_a_pause_and_the_time_before_the_first_look_do_not_count() -> None:
    assert after((900, True)) == timedelta(0)
    assert after((0, True), (5, True), (10, False), (4000, False), (4100, True), (4101, True)) == timedelta(seconds=6)


def test_a_clock_that_is_set_takes_nothing_away_and_adds_little() -> None:
    assert after((0, True), (60, True), (-86_400, True), (-86_390, True)) == timedelta(seconds=70)
    assert after((0, True), (60, True), (864_000, True)) == timedelta(seconds=60) + LONGEST_STEP
