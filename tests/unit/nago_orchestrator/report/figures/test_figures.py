"""What each figure shows of a study, and what it says where it shows nothing or not all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from nago_orchestrator.domain.objectives import Goal, Objective
from nago_orchestrator.domain.proposals import Outcome
from nago_orchestrator.domain.rows import EvaluationRow
from nago_orchestrator.domain.states import AttemptState
from nago_orchestrator.report.figures import curves, history, timeline, tradeoff
from nago_orchestrator.report.figures.correlation import correlation, pairs_by_fidelities
from nago_orchestrator.report.figures.curves import learning_curves
from nago_orchestrator.report.figures.failures import failures
from nago_orchestrator.report.figures.hyperparameters import best_covered, hyperparameters, varied
from nago_orchestrator.report.page import build_panels
from nago_orchestrator.report.panel import Panel
from nago_orchestrator.report.study_report import StudyReport
from tests.rows import epoch_row, evaluation_row, trial_row

ACCURACY = Objective(name="accuracy", goal=Goal.MAXIMIZE)


def figure_of(panel: Panel) -> Any:
    assert panel.figure is not None, panel.note
    return panel.figure


def points(panel: Panel) -> int:
    return sum(len(trace.x) for trace in figure_of(panel).data if trace.mode == "markers")


def test_an_empty_study_has_words_for_every_figure(make_report: Callable[[int], StudyReport]) -> None:
    panels = build_panels(make_report(0))
    assert len(panels) == 7
    for panel in panels:
        assert panel.figure is None
        assert panel.note


def test_a_first_trial_already_has_figures(make_report: Callable[[int], StudyReport]) -> None:
    drawn = {panel.key for panel in build_panels(make_report(1)) if panel.figure is not None}
    assert drawn == {"history", "tradeoff", "curves", "timeline"}


def test_history_has_every_evaluation_and_a_line_that_never_falls(make_report: Callable[[int], StudyReport]) -> None:
    panel = history.history(make_report(60).evaluations, ACCURACY)
    assert points(panel) == 60
    line = list(figure_of(panel).data[-1].y)
    assert line == sorted(line)


def test_the_running_best_of_a_cost_never_rises(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(60)
    rows = [replace(row, objective_values={"loss": 1 - row.objective_values["accuracy"]}) for row in report.evaluations]
    line = list(figure_of(history.history(rows, Objective(name="loss", goal=Goal.MINIMIZE))).data[-1].y)
    assert line == sorted(line, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("module", [history, tradeoff])
def test_many_points_are_thinned_openly(
    make_report: Callable[[int], StudyReport], monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 20)  # thousands of points take seconds to draw
    report = make_report(60)
    panel = {panel.key: panel for panel in build_panels(report)}[module.__name__.rpartition(".")[2]]
    assert points(panel) == 20
    assert "20 of 60" in str(panel.note)


def test_evaluations_without_a_value_are_left_out(make_report: Callable[[int], StudyReport]) -> None:
    rows = make_report(12).evaluations
    lost = [replace(row, outcome=Outcome.LOST, objective_values={}) for row in rows[:5]]
    assert points(history.history([*lost, *rows[5:]], ACCURACY)) == 7


def test_the_front_is_of_the_highest_fidelity(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(60)
    best = [row for row in report.trials if row.fidelity == 8]
    line = figure_of(tradeoff.tradeoff(report.trials)).data[-1]
    assert line.name == "Pareto front"
    assert max(line.y) == max(row.validation_accuracy or 0.0 for row in best)
    assert set(line.x) <= {row.bytes_per_sample for row in best}


def test_curves_are_one_line_for_each_trial_until_there_are_many(
    make_report: Callable[[int], StudyReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = make_report(24)
    panel = learning_curves(report.trials, report.epochs)
    assert len(figure_of(panel).data) == 24
    assert panel.note is None
    monkeypatch.setattr(curves, "OTHERS", 2)  # hundreds of curves take seconds to draw
    monkeypatch.setattr(curves, "BEST", 1)
    panel = learning_curves(report.trials, report.epochs)
    assert len(figure_of(panel).data) == 9
    assert "9 of 24" in str(panel.note)


def test_a_repeated_attempt_shows_its_last_curve_only(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(4)
    early = epoch_row(0, 0, 1, 0.999)
    figure = figure_of(learning_curves(report.trials, [early, *report.epochs]))
    assert max(value for trace in figure.data for value in trace.y) < 0.999


def test_pairs_follow_the_chain_of_parents(make_report: Callable[[int], StudyReport]) -> None:
    pairs = pairs_by_fidelities(make_report(60).evaluations, ACCURACY)
    assert {key: len(found) for key, found in pairs.items()} == {(2, 4): 20, (2, 8): 10, (4, 8): 10}


def test_too_few_pairs_are_called_so(make_report: Callable[[int], StudyReport]) -> None:
    panel = correlation(make_report(12).evaluations, ACCURACY)
    assert "too few" in str(panel.note)
    titles = [annotation.text for annotation in figure_of(panel).layout.annotations]
    assert "ρ" not in "".join(titles)
    assert titles[0].endswith("(n = 4)")


def test_two_pairs_are_no_picture(make_report: Callable[[int], StudyReport]) -> None:
    panel = correlation(make_report(5).evaluations, ACCURACY)
    assert panel.figure is None
    assert "2 → 4 epochs" in str(panel.note)


def test_many_fidelities_stand_in_several_rows(make_report: Callable[[int], StudyReport]) -> None:
    rows = list(make_report(60).evaluations)
    final = [replace(row, proposal=100 + k, parent=row.proposal, fidelity=40) for k, row in enumerate(rows[:24])]
    figure = figure_of(correlation([*rows, *final], ACCURACY))
    assert len(figure.data) == 6
    assert {trace.xaxis for trace in figure.data} == {"x", "x2", "x3", "x4", "x5", "x6"}
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis4.domain[1]


def test_enough_pairs_have_a_correlation_with_its_number(make_report: Callable[[int], StudyReport]) -> None:
    panel = correlation(make_report(120).evaluations, ACCURACY)
    titles = [annotation.text for annotation in figure_of(panel).layout.annotations]
    assert all("ρ = " in title for title in titles)
    assert "(n = 40)" in titles[0]


def test_only_hyperparameters_that_vary_have_a_panel(make_report: Callable[[int], StudyReport]) -> None:
    rows = make_report(30).evaluations
    assert varied(rows) == ["top_nodes", "top_k", "top_p", "mid_p"]
    figure = figure_of(hyperparameters(rows, ACCURACY))
    assert [annotation.text.split(" ")[0] for annotation in figure.layout.annotations] == varied(rows)


def canonical_rows(count: int) -> list[EvaluationRow]:
    """Odd k count as one less, and mid_p counts in every second theta alone; bottom_p in none."""
    return [
        evaluation_row(
            number,
            fidelity=2,
            objective_values={"accuracy": 0.5 + 0.01 * number},
            theta={"top_k": 2 + number % 4, "mid_p": 0.1 + 0.01 * number, "bottom_p": 0.2 + 0.01 * number},
            canonical_theta={
                "top_k": 2 + 2 * (number % 4 // 2),
                "mid_p": 0.1 + 0.01 * number if number % 2 else 0.0,
                "bottom_p": 0.0,
            },
        )
        for number in range(count)
    ]


def test_hyperparameters_are_drawn_as_they_count() -> None:
    panel = hyperparameters(canonical_rows(20), ACCURACY)
    drawn = {trace.hovertemplate.split("<br>")[1].split(" =")[0]: trace for trace in figure_of(panel).data[::2]}
    assert set(drawn["top_k"].x) == {2, 4}
    assert len(drawn["mid_p"].x) == 10
    assert min(drawn["mid_p"].x) > 0
    assert set(drawn) == {"top_k", "mid_p"}
    assert "Points without an effect are left out, of 20 thetas: mid_p in 10." in str(panel.note)
    assert "are equivalent: bottom_p." in str(panel.note)


def test_the_best_is_marked_only_where_the_hyperparameter_has_an_effect() -> None:
    marks = [len(trace.x) for trace in figure_of(hyperparameters(canonical_rows(19), ACCURACY)).data[1::2]]
    assert marks == [1, 0]


def test_the_generator_that_the_page_names_is_marked_where_it_is_among_those_shown() -> None:
    rows = canonical_rows(6)
    shown = [figure_of(hyperparameters(rows, ACCURACY, best)).data[1] for best in ((), (1, 4), (99,))]
    assert [[proposal for proposal, _ in trace.customdata] for trace in shown] == [[5], [1, 4], [5]]


def test_a_single_point_has_readable_axes(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(1)
    known = report.trials[0]
    assert known.validation_accuracy is not None
    assert known.bytes_per_sample is not None
    for panel, axis, value in (
        (tradeoff.tradeoff(report.trials), "xaxis", known.bytes_per_sample),
        (tradeoff.tradeoff(report.trials), "yaxis", known.validation_accuracy),
        (history.history(report.evaluations, ACCURACY), "yaxis", known.validation_accuracy),
    ):
        assert list(figure_of(panel).layout[axis].range) == pytest.approx([0.9 * value, 1.1 * value])


def test_thetas_that_all_count_as_one_have_no_picture() -> None:
    rows = [replace(row, canonical_theta={**row.canonical_theta, "mid_p": 0.0}) for row in canonical_rows(20)]
    same = [replace(row, canonical_theta=rows[0].canonical_theta) for row in rows]
    assert hyperparameters(same, ACCURACY).figure is None


def test_ticks_have_as_many_digits_as_they_need(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(60)
    for panel in (
        learning_curves(report.trials, report.epochs),
        hyperparameters(report.evaluations, ACCURACY),
        history.history(report.evaluations, ACCURACY),
        tradeoff.tradeoff(report.trials),
    ):
        assert figure_of(panel).layout.yaxis.tickformat == "~%"


def test_full_training_is_no_pair(make_report: Callable[[int], StudyReport]) -> None:
    rows = list(make_report(60).evaluations)
    full = [
        replace(row, proposal=1000 + 100 * again + k, parent=row.proposal, fidelity=40 + again, final_training=True)
        for again in (0, 1)
        for k, row in enumerate(rows[:24])
    ]
    assert len(figure_of(correlation([*rows, *full], ACCURACY)).data) == 3


def test_the_timelines_axis_has_no_title_that_is_longer_than_it(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(3)
    titles = []
    for spread in (100, 0):
        rows = [
            replace(
                report.attempts[0],
                trial=number,
                started_at=report.made_at + timedelta(seconds=spread * number),
                ended_at=report.made_at + timedelta(seconds=spread * number + 7),
            )
            for number in range(6)
        ]
        titles.append(figure_of(timeline.timeline(rows, report.made_at)).layout.yaxis.title.text)
    assert titles == ["", "in parallel"]


def test_the_fidelity_is_the_highest_with_enough_evaluations() -> None:
    assert best_covered([3] * 50 + [9] * 20 + [27] * 5) == 9
    assert best_covered([3] * 4 + [9] * 2) == 3
    assert best_covered([3, 9]) == 9


def test_failures_are_counted_by_cause(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(40)
    panel = failures(report.attempts)
    assert list(figure_of(panel).data[0].x) == [4]
    assert panel.note == "4 of 44 attempts failed."
    fine = [row for row in report.attempts if row.state != "failed"]
    assert failures(fine).note == "No attempt has failed."


def test_bars_of_one_lane_do_not_overlap(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(40)
    spans = sorted(
        (row.started_at, row.ended_at)
        for row in report.attempts
        if row.started_at is not None and row.ended_at is not None
    )
    lanes = timeline.lanes(spans)
    for lane in set(lanes):
        mine = [span for span, chosen in zip(spans, lanes, strict=True) if chosen == lane]
        assert all(before[1] <= after[0] for before, after in pairwise(mine))
    assert max(lanes) + 1 == max(len([1 for a, b in spans if a <= start < b]) for start, _ in spans)


def test_a_running_attempt_lasts_until_now(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(3)
    running = replace(report.attempts[-1], state=AttemptState.RUNNING, ended_at=None)
    assert running.started_at is not None
    later = running.started_at + timedelta(seconds=90)
    figure = figure_of(timeline.timeline([*report.attempts[:-1], running], later))
    bars = {trace.name: trace for trace in figure.data}
    assert list(bars["running"].x) == [90_000]


def test_a_bar_names_its_trial_and_attempt(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(4)
    bars = {trace.name: trace for trace in figure_of(timeline.timeline(report.attempts, report.made_at)).data}
    assert bars["infrastructure"].customdata[0][0] == "trial 3, attempt 1"
    assert bars["succeeded"].customdata[-1][0] == "trial 3, attempt 2"


def test_the_timeline_shows_the_latest(
    make_report: Callable[[int], StudyReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MOST_BARS", 10)  # thousands of bars take seconds to draw
    report = make_report(40)
    panel = timeline.timeline(report.attempts, report.made_at)
    assert sum(len(trace.x) for trace in figure_of(panel).data) == 10
    assert "latest 10 of 44" in str(panel.note)


def test_the_best_is_at_the_highest_fidelity_evaluated(make_report: Callable[[int], StudyReport]) -> None:
    report = make_report(60)
    assert report.best is not None
    assert report.best.fidelity == 8
    early = replace(report, evaluations=report.evaluations[:3]).best
    assert early is not None
    assert early.fidelity == 2


def test_the_curve_of_a_continued_run_has_its_beginning() -> None:
    trials = [
        trial_row(0, fidelity=2, run_of=4),
        trial_row(1, fidelity=4, run_of=4, continued_from=0),
        trial_row(2, fidelity=4, run_of=4, continued_from=0),  # its checkpoint was lost: trained from the first epoch
    ]
    first = [epoch_row(0, 1, epoch, 0.1 * epoch) for epoch in (1, 2)]
    second = [epoch_row(1, 1, epoch, 0.2 * epoch) for epoch in (3, 4)]
    anew = [epoch_row(2, 1, epoch, 0.05 * epoch) for epoch in (1, 2, 3, 4)]
    figure = figure_of(learning_curves(trials, [*first, *second, *anew]))
    drawn = {trace.hovertemplate.split(",")[0]: list(trace.y) for trace in figure.data}
    assert drawn["trial 1"] == pytest.approx([0.1, 0.2, 0.6, 0.8])
    assert drawn["trial 2"] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert {trace.name for trace in figure.data} == {"best at 2 epochs of a run of 4", "best at 4 epochs"}


def test_a_part_of_a_run_is_called_so_in_the_history() -> None:
    rows = [
        evaluation_row(number, evaluation=number, fidelity=2, run_of=4, objective_values={"accuracy": 0.5})
        for number in range(3)
    ]
    names = {trace.name for trace in figure_of(history.history(rows, ACCURACY)).data}
    assert "2 epochs of a run of 4" in names
