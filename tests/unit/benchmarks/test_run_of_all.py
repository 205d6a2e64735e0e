"""The run of all benchmarks runs those that need no argument."""

from __future__ import annotations

import pytest

from benchmarks import __main__ as run


def test_a_benchmark_that_needs_an_argument_is_left_out_and_the_reason_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []

    def note(name: str) -> int:
        started.append(name)
        return 0

    monkeypatch.setattr(run, "_run", note)
    assert run.main([]) == 0
    assert "trainer" not in started
    assert "data" in started
    assert "trainer is left out: run python -m benchmarks.trainer PATH" in capsys.readouterr().err


def test_asked_for_by_name_it_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["trainer"]) == 2
    assert "trainer is left out" in capsys.readouterr().err
