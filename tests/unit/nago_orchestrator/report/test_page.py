from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import WaitingAttempt
from nago_orchestrator.domain.states import AttemptState, Failure, TrialState
from nago_orchestrator.report.figures.study_summary import best_words, study_facts, top_trials
from nago_orchestrator.report.page import build_page, build_panels
from nago_orchestrator.report.study_report import StudyReport
from nago_orchestrator.search.posterior import Effect, PosteriorEffects
from tests.rows import final_training, fully_trained

MESSAGE = "the limit is out of reach"
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


@pytest.mark.slow
@pytest.mark.parametrize("proposals", [0, 1, 40])
def test_the_page_is_well_formed_at_every_stage(make_report: Callable[[int], StudyReport], proposals: int) -> None:
    parser = _Balance()
    parser.feed(build_page(make_report(proposals)))
    assert parser.open == []


def two_phases(report: StudyReport) -> StudyReport:
    """The second half found by mobo, for accuracy and memory, and one generator trained in full."""
    half = len(report.evaluations) // 2
    memory = {row.proposal: row.bytes_per_sample or 0 for row in report.trials}
    fit = {"r_hat": 1.0, "effective_samples": 9.0, "coverage_50": 0.5, "coverage_90": 0.9, "problem": None}
    notes = {
        "surrogate": {"fits": 1, "objectives": [fit]},
        "evaluations": 9,
        "prediction": [{"objective": 0, "mean": -0.8, "epistemic": 0.1, "aleatoric": 0.1}],
    }
    evaluations = [
        replace(
            row,
            phase=int(row.proposal >= half),
            notes=notes if row.proposal >= half else None,
            evaluated_at=report.made_at,
            objective_values={**row.objective_values, "memory": memory[row.proposal]},
        )
        for row in report.evaluations
    ]
    last = replace(evaluations[-1], proposal=999, parent=6, fidelity=40, final_training=True)
    trained = fully_trained(999, fidelity=40, network="n.pt")
    effect = Effect(hyperparameter="top_p", objective="accuracy", at=(0.1, 0.9), mean=(0.5, 0.6), deviation=(0.1, 0.1))
    other = replace(effect, objective="memory")
    return replace(
        report,
        objectives=(report.objective, Objective(name="memory", goal=Goal.MINIMIZE)),
        evaluations=[*evaluations, last],
        trials=[*report.trials, trained],
        phases=("bohb", "mobo"),
        learnt=("accuracy",),
        trained=[final_training(6, 40, [trained], proposal=999)],
        posterior=PosteriorEffects(fidelity=8, evaluations=20, effects=(effect, other), problem=None),
    )


@pytest.mark.slow
def test_a_search_in_two_phases_has_every_panel_with_its_table(make_report: Callable[[int], StudyReport]) -> None:
    report = two_phases(make_report(60))
    panels = {panel.key: panel for panel in build_panels(report)}
    assert [key for key, panel in panels.items() if panel.figure is None] == []
    new = ("front", "hypervolume", "final", "effects", "fits", "predictions")
    assert all(panels[key].table is not None for key in new)
    parser = _Balance()
    page = build_page(report)
    parser.feed(page)
    assert parser.open == []
    assert page.count("<details>") == len(new)


@pytest.mark.slow
def test_full_training_is_not_taken_for_the_searchs_best(make_report: Callable[[int], StudyReport]) -> None:
    report = two_phases(make_report(60))
    assert report.fidelity == 8
    assert report.best is not None
    assert report.best.fidelity == 8
    figure: Any = next(panel.figure for panel in build_panels(report) if panel.key == "history")
    assert sum(len(trace.x) for trace in figure.data if trace.mode == "markers") == 60
    assert [annotation.text for annotation in figure.layout.annotations] == ["phase 2 mobo"]


def test_the_page_loads_nothing_from_elsewhere(make_report: Callable[[int], StudyReport]) -> None:
    page = build_page(make_report(40))
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]*\b(?:src|href)=", page)
    assert not re.findall(r"@import|url\(\s*['\"]?https?:", page.partition("<script>")[0])


def test_names_are_escaped(make_report: Callable[[int], StudyReport]) -> None:
    page = build_page(make_report(1))
    assert "<h1>digits &lt;b&gt;&amp;</h1>" in page


def test_no_text_of_a_user_becomes_markup(make_report: Callable[[int], StudyReport]) -> None:
    """Not in the page's own parts, nor within what plotly writes."""
    report, attack = make_report(6), "<script>alert(1)</script>"
    defect: dict[str, Any] = {"reason": attack, "failure": Failure.DEFECT, "state": AttemptState.FAILED}
    page = build_page(
        replace(
            report,
            study=replace(report.study, name=attack, message=attack),
            generator=attack,
            objectives=(replace(report.objective, name="accuracy"),),
            attempts=[replace(row, **defect) for row in report.attempts],
            trials=[replace(row, architecture_hash=attack) for row in report.trials],
            evaluations=[replace(row, theta={**row.theta, attack: 1}) for row in report.evaluations],
        )
    )
    assert attack not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.slow
def test_the_same_rows_give_the_same_page(make_report: Callable[[int], StudyReport]) -> None:
    assert build_page(make_report(20)) == build_page(make_report(20))


def test_the_drawing_stands_beside_the_best(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(20)
    assert '<div class="drawing"><svg id="x"></svg></div>' in build_page(replace(report, drawing='<svg id="x"></svg>'))


def test_facts_count_trials_and_time(make_report: Callable[[int], StudyReport]) -> None:
    facts = dict(study_facts(make_report(20)))
    assert facts["Trials"] == "20 succeeded"
    assert facts["Attempt time"] == "2 min 34 s, of which 14.0 s without a result"


def test_the_page_lists_what_waits_and_why(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(4)
    assert "Waiting attempts" not in build_page(report)
    waiting = WaitingAttempt(
        trial=3, attempt=2, created_at=report.made_at, reason="QuotaExceeded", message="exceeded quota: <gpus>"
    )
    page = build_page(replace(report, study=replace(report.study, waiting=(waiting,))))
    assert "Waiting attempts" in page
    assert "exceeded quota: &lt;gpus&gt;" in page


def test_the_top_trials_name_the_files_of_saved_networks(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(60)
    plain = top_trials(report)
    assert plain is not None
    first = int(plain.rows[0][0])
    named = top_trials(replace(report, networks={first: "/kept/network.pt"}))
    assert named is not None
    assert (named.header[-1], [row[-1] for row in named.rows[:2]]) == ("network", ["/kept/network.pt", "-"])
    assert "network" not in plain.header


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


def nothing_trained(report: StudyReport) -> StudyReport:
    lost: dict[str, Any] = {"outcome": Outcome.INFEASIBLE, "objective_values": {}, "samples": 0}
    untrained: dict[str, Any] = {"state": TrialState.INFEASIBLE, "attempts": 0, "last_message": MESSAGE}
    unmeasured: dict[str, Any] = {"validation_accuracy": None, "bytes_per_sample": None}
    return replace(
        report,
        evaluations=[replace(row, **lost) for row in report.evaluations],
        trials=[replace(row, **untrained, **unmeasured) for row in report.trials],
        epochs=[],
        attempts=[],
    )


def test_a_search_of_which_nothing_could_be_trained_says_so_and_why(
    make_report: Callable[[int], StudyReport],
) -> None:
    report = nothing_trained(make_report(12))
    page = build_page(report).partition("</script>")[2]
    assert " yet" not in page
    assert "No attempt" not in page
    panels = {panel.key: panel for panel in build_panels(report)}
    assert panels["history"].note == "12 evaluations, all infeasible."
    failed = panels["failures"]
    assert failed.figure is not None
    assert list(failed.figure.data[0].x) == [12]
    assert "12 evaluations, all infeasible. Reason of 12 of 12 trials, for example" in str(failed.note)
    assert MESSAGE in page


@pytest.mark.slow
def test_the_headline_names_the_objective_and_of_several_the_front(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(60)
    one = build_page(report)
    assert re.search(r'<div class="big">accuracy \d\d\.\d\d %</div>', one)
    assert "<h2>Best generator</h2>" in one
    two = build_page(two_phases(report))
    assert "<h2>Best generator by accuracy</h2>" in two
    assert re.search(r'On the <a href="#front">Pareto front</a> (is 1 generator|are \d+ generators)\.', two)


@pytest.mark.slow
def test_a_generator_that_was_evaluated_twice_is_one_point_of_the_front(
    make_report: Callable[[int], StudyReport],
) -> None:
    report = two_phases(make_report(60))
    again = replace(report, evaluations=[*report.evaluations, replace(report.evaluations[-2], proposal=1000)])
    drawn = []
    for made in (report, again):
        figure: Any = next(panel.figure for panel in build_panels(made) if panel.key == "front")
        drawn.append(sum(len(trace.x) for trace in figure.data if str(trace.name).startswith("phase")))
    assert drawn[0] == drawn[1]
