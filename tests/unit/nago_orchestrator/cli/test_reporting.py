from __future__ import annotations

from pathlib import Path

from tests.command_line import Run


def test_the_report_is_one_file_named_after_the_study(run: Run, filled: str, tmp_path: Path) -> None:
    ended = run("report", "--database", filled)
    assert (ended.code, ended.out) == (0, "wrote synthetic.html\n")
    page = (tmp_path / "synthetic.html").read_text(encoding="utf-8")
    assert "39 succeeded" in page
    assert "<svg" in page
    assert [path.name for path in tmp_path.glob("*html*")] == ["synthetic.html"]


def test_the_page_can_be_printed(run: Run, filled: str) -> None:
    assert run("report", "-O", "-", "--database", filled).out.startswith("<!doctype html>")


def test_a_folder_that_is_not_there_is_said(run: Run, filled: str) -> None:
    ended = run("report", "-O", "no/such/page.html", "--database", filled)
    assert ended.code == 2
    assert "cannot be written" in ended.err
