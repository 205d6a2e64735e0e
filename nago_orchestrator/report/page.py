"""One self-contained HTML page: the study's facts, every figure, the library that draws them. No network is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import plotly.io
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from nago_orchestrator.evaluation.generator_results import merge_generators
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.figures.calibration import calibration
from nago_orchestrator.report.figures.classes import classes
from nago_orchestrator.report.figures.correlation import correlation
from nago_orchestrator.report.figures.curves import learning_curves
from nago_orchestrator.report.figures.effects import effects
from nago_orchestrator.report.figures.failures import failures
from nago_orchestrator.report.figures.final_training import final_training
from nago_orchestrator.report.figures.history import history
from nago_orchestrator.report.figures.hyperparameters import hyperparameters
from nago_orchestrator.report.figures.hypervolume import volume
from nago_orchestrator.report.figures.infeasible import all_infeasible, reason_sentence
from nago_orchestrator.report.figures.phase_front import FrontRows, compared_rows, phase_front
from nago_orchestrator.report.figures.predictions import predictions
from nago_orchestrator.report.figures.study_summary import (
    best_generator,
    best_words,
    study_facts,
    top_trials,
    waiting_attempts,
)
from nago_orchestrator.report.figures.timeline import timeline
from nago_orchestrator.report.figures.tradeoff import tradeoff
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.study_report import StudyReport
from nago_orchestrator.report.style import ACCENT, FAINT, FONT, INK, MUTED, joined
from nago_orchestrator.report.templating import render

_CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
}


def build_panels(report: StudyReport) -> tuple[Panel, ...]:
    """All figures that apply to the study, in the order of the page."""
    panels = [panel for panel in (*_findings(report), *_explanations(report)) if panel is not None]
    hopeless = all_infeasible(report.search)
    if hopeless is None:
        return tuple(panels)
    return tuple(replace(panel, note=hopeless) if panel.figure is None else panel for panel in panels)


def _findings(report: StudyReport) -> Sequence[Panel | None]:
    """What the search found; None for a panel that does not apply to the study."""
    fidelity = report.fidelity
    return (
        history(report.search, report.objective, report.phases),
        phase_front(_front_rows(report)),
        volume(report.search, report.attempts, report.objectives, report.phases, fidelity),
        tradeoff(report.trials, fidelity),
        final_training(report.trained, report.search, report.networks),
        classes(report.details),
    )


def _front_rows(report: StudyReport) -> FrontRows:
    generators = merge_generators(report.evaluations, report.objectives, report.fidelity)
    return FrontRows(
        evaluations=compared_rows(generators, report.objectives, report.fidelity),
        objectives=report.objectives,
        phases=report.phases,
        trained=report.trained,
    )


def _explanations(report: StudyReport) -> Sequence[Panel | None]:
    """Why, and at what cost."""
    return (
        learning_curves(report.trials, report.epochs),
        correlation(report.evaluations, report.objective),
        hyperparameters(report.search, report.objective, report.best.proposals if report.best else ()),
        effects(report.posterior, report.objectives, report.effects_missing),
        calibration(report.search, report.learnt),
        predictions(report.search, report.objectives),
        failures(report.attempts, report.trials, _hopeless(report)),
        timeline(report.attempts, report.made_at),
    )


def _hopeless(report: StudyReport) -> str | None:
    """Of a search of which nothing could be trained, and why."""
    words = all_infeasible(report.search)
    return words and joined(words, reason_sentence(report.trials))


def build_page(report: StudyReport) -> str:
    """The whole page as one string of HTML; the same rows give the same page."""
    panels = build_panels(report)
    best, waiting = _best(report), waiting_attempts(report)
    hopeless = all_infeasible(report.search)
    return render(
        "page.html.j2",
        name=report.study.name,
        colours={"ink": INK, "accent": ACCENT, "faint": FAINT, "muted": MUTED},
        font=Markup(FONT),
        plotly=Markup(get_plotlyjs()),
        links=[
            ("best", best.title),
            *((panel.key, panel.title) for panel in panels),
            *([("waiting", "Waiting attempts")] if waiting else []),
            ("top", "Top trials"),
        ],
        facts=study_facts(report),
        best=best,
        panels=[_section(panel) for panel in panels],
        top=top_trials(report),
        waiting=waiting,
        no_trials=hopeless or "No trial has finished yet.",
        made_at=quantities.moment(report.made_at),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Best:
    title: str
    reading: str
    """What it is; without one, why."""
    table: TextTable | None = None
    value: str = ""
    others: str = ""
    """Of several objectives: how many generators are as good in another way, with the verb."""
    drawing: Markup | None = None


def _best(report: StudyReport) -> _Best:
    objective = report.objective.name
    # Of several objectives the first one chooses.
    title = "Best generator" if len(report.objectives) == 1 else f"Best generator by {objective}"
    table, best = best_generator(report), report.best
    if table is None or best is None:
        return _Best(title=title, reading=_hopeless(report) or best_words(report))
    return _Best(
        title=title,
        reading=best_words(report),
        table=table,
        value=f"{objective} {quantities.objective(objective, best.objective_values[objective])}",
        others="" if len(report.objectives) == 1 else _others(_front_rows(report).front_size),
        drawing=Markup(report.drawing) if report.drawing else None,
    )


def _others(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {counted(number, 'generator')}"


def _section(panel: Panel) -> dict[str, object]:
    return {
        "key": panel.key,
        "title": panel.title,
        "reading": panel.reading,
        "figure": None if panel.figure is None else Markup(_figure(panel)),
        "note": panel.note,
        "table": panel.table,
        "rows": counted(len(panel.table.rows), "row") if panel.table else None,
    }


def _figure(panel: Panel) -> str:
    """Texts within it are escaped by plotly."""
    html: str = plotly.io.to_html(
        panel.figure, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=f"figure-{panel.key}"
    )
    return html
