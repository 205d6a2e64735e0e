from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from nago_orchestrator.domain import Goal, Objective
from nago_orchestrator.report.facts import best_words, study_facts, top_trials
from nago_orchestrator.report.page import build_page
from nago_orchestrator.report.study_report import StudyReport

VOID = {"meta", "link", "br", "img", "hr", "input"}


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("proposals", [0, 1, 40])
def test_the_page_is_well_formed_at_every_stage(make_report: Callable[[int], StudyReport], proposals: int) -> None:
    parser = _Balance()
    parser.feed(build_page(make_report(proposals)))
    assert parser.open == []


def test_the_page_loads_nothing_from_elsewhere(make_report: Callable[[int], StudyReport]) -> None:
    page = build_page(make_report(40))
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]*\b(?:src|href)=", page)
    assert not re.findall(r"@import|url\(\s*['\"]?https?:", page.partition("<script>")[0])


def test_names_are_escaped(make_report: Callable[[int], StudyReport]) -> None:
    page = build_page(make_report(1))
    assert "<h1>digits &lt;b&gt;&amp;</h1>" in page


def test_the_same_rows_give_the_same_page(make_report: Callable[[int], StudyReport]) -> None:
    assert build_page(make_report(20)) == build_page(make_report(20))


def test_the_drawing_stands_beside_the_best(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(20)
    assert '<div class="drawing"><svg id="x"></svg></div>' in build_page(replace(report, drawing='<svg id="x"></svg>'))


def test_facts_count_trials_and_time(make_report: Callable[[int], StudyReport]) -> None:
    facts = dict(study_facts(make_report(20)))
    assert facts["Trials"] == "20 succeeded"
    assert facts["Attempt time"] == "2 min 34 s, of which 14.0 s gave no result"


def test_the_top_trials_are_ordered(make_report: Callable[[int], StudyReport]) -> None:
    table = top_trials(make_report(60))
    assert table is not None
    accuracies = [float(row[3].removesuffix(" %")) for row in table.rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert len(accuracies) == 15


def test_the_best_is_told_in_words(make_report: Callable[[int], StudyReport]) -> None:
    assert best_words(make_report(0)) == "Nothing has been evaluated yet."
    assert re.fullmatch(
        r"Proposal \d+, accuracy \d\d\.\d\d %; 1 network trained for 8 epochs\.", best_words(make_report(60))
    )


def test_several_objectives_are_all_named(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(3)
    memory = Objective(name="memory", goal=Goal.MINIMIZE)
    facts = dict(study_facts(replace(report, objectives=(*report.objectives, memory))))
    assert facts["Objectives"] == "accuracy (maximize), memory (minimize)"
