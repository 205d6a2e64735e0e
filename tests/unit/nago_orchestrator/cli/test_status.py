from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nago_orchestrator.cli.status import last_event, seconds_left, watch_line
from tests.command_line import Run

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def status(**changes: Any) -> dict[str, Any]:
    return {
        "name": "s",
        "state": "running",
        "changed_at": NOW,
        "running": [],
        "best": None,
        "finished": 6,
        "seconds": 60.0,
        "trial_states": {"succeeded": 6, "failed": 0},
        "spec": {
            "search": {"algorithm": "random", "proposals": 20},
            "execution": {"parallelism": 2},
            "architectures_per_proposal": 1,
        },
        **changes,
    }


def test_time_left_is_mean_time_times_trials_to_come_over_parallelism() -> None:
    assert seconds_left(status()) == pytest.approx((20 - 6) * 10.0 / 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "paused"},
        {"trial_states": {"succeeded": 4}},
        {"spec": {"search": {"algorithm": "bohb"}, "execution": {"parallelism": 1}, "architectures_per_proposal": 1}},
    ],
)
def test_time_left_is_not_guessed(changes: dict[str, Any]) -> None:
    assert seconds_left(status(**changes)) is None


def test_the_last_event_is_the_newest_of_study_and_trials() -> None:
    late = NOW + timedelta(minutes=3)
    trial = {"created_at": NOW, "started_at": late, "ended_at": None}
    assert last_event(status(), []) == NOW
    assert last_event(status(running=[trial]), []) == late
    assert last_event(status(), [trial]) == late


def test_the_watched_line_leaves_out_states_without_trials() -> None:
    assert watch_line(status()).startswith("s running: 6 succeeded; nothing has been evaluated")


def test_status_says_how_the_study_stands(run: Run, filled: str) -> None:
    shown = run("status", "--database", filled)
    for words in ("synthetic, seed 3", "39 succeeded", "nobody at the moment", "infrastructure", "27 epochs"):
        assert words in shown.out
    assert json.loads(run("status", "--database", filled, "-o", "json").out)["trial_states"]["succeeded"] == 39
