from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.synthetic_study import fill
from tests.command_line import Run


@pytest.fixture
def filled_little(tmp_path: Path, modelled_file: str) -> str:
    url = str(tmp_path / "little.sqlite")
    fill(url, 2, study_file=modelled_file)
    return url


@pytest.mark.slow
def test_the_report_is_one_file_named_after_the_study(run: Run, filled: str, tmp_path: Path) -> None:
    ended = run("report", "--no-model", "--database", filled)
    assert (ended.code, ended.out) == (0, "wrote synthetic.html\n")
    page = (tmp_path / "synthetic.html").read_text(encoding="utf-8")
    assert "39 succeeded" in page
    assert "<svg" in page
    assert [path.name for path in tmp_path.glob("*html*")] == ["synthetic.html"]


@pytest.mark.slow
def test_what_the_studys_own_surrogate_believes_is_shown(run: Run, modelled: str) -> None:
    page = run("report", "-O", "-", "--database", modelled).out
    assert 'id="figure-effects"' in page
    assert "at 27 epochs (6 evaluations)" in page


@pytest.mark.slow
def test_without_enough_evaluations_the_panel_says_so(run: Run, filled_little: str) -> None:
    page = run("report", "-O", "-", "--database", filled_little).out
    assert "Not shown: a surrogate needs 3 evaluations at one fidelity" in page
    assert 'id="figure-effects"' not in page


@pytest.mark.slow
def test_without_its_packages_the_panel_says_what_to_install(
    run: Run, modelled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nago_orchestrator.search.surrogate.gaussian_process", None)
    monkeypatch.delitem(sys.modules, "nago_orchestrator.search.surrogate.kinds", raising=False)  # imported anew
    page = run("report", "-O", "-", "--database", modelled).out
    assert "pip install &#39;nago-orchestrator[mobo]&#39;" in page


@pytest.mark.slow
def test_the_page_can_be_printed(run: Run, filled: str) -> None:
    assert run("report", "--no-model", "-O", "-", "--database", filled).out.startswith("<!doctype html>")


@pytest.mark.slow
def test_a_folder_that_is_not_there_is_said(run: Run, filled: str) -> None:
    ended = run("report", "--no-model", "-O", "no/such/page.html", "--database", filled)
    assert ended.code == 2
    assert "cannot write the report" in ended.err
