"""A few of the inputs of `benchmarks.trust`, always the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.trust import command_lines, reports, study_files
from benchmarks.trust.findings import examples

SEED = 1


@pytest.mark.slow
def test_mutated_study_files_are_read_or_refused_in_a_sentence(tmp_path: Path) -> None:
    assert not examples(study_files.study_files, lambda text: study_files.reading(text, tmp_path), 60, SEED)


@pytest.mark.slow
def test_mutated_reports_are_taken_or_refused_in_a_sentence() -> None:
    assert not examples(reports.reports, reports.reading, 60, SEED)


@pytest.mark.slow
def test_outlandish_command_lines_end_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    at = command_lines.place(tmp_path / "inside", tmp_path / "pristine.sqlite")
    monkeypatch.chdir(at.folder)
    lines = command_lines.command_lines(at)
    assert not examples(lines, lambda words: command_lines.running(words, at), 100, SEED)
