"""One self-contained HTML page: the study's facts, every figure, the library that draws them. No network is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import plotly.io
from plotly.offline import get_plotlyjs

from nago_orchestrator.evaluation.generator_results import merge_generators
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.report.figures.calibration import calibration
from nago_orchestrator.report.figures.correlation import correlation
from nago_orchestrator.report.figures.curves import learning_curves
from nago_orchestrator.report.figures.effects import effects
from nago_orchestrator.report.figures.failures import failures
from nago_orchestrator.report.figures.final_training import full_training
from nago_orchestrator.report.figures.history import history
from nago_orchestrator.report.figures.hyperparameters import hyperparameters
from nago_orchestrator.report.figures.hypervolume import volume
from nago_orchestrator.report.figures.infeasible import all_infeasible, reason_sentence
from nago_orchestrator.report.figures.phase_front import FrontRows, compared_rows, phase_front
from nago_orchestrator.report.figures.predictions import foretold
from nago_orchestrator.report.figures.study_summary import best_generator, best_words, study_facts, top_trials
from nago_orchestrator.report.figures.timeline import timeline
from nago_orchestrator.report.figures.tradeoff import tradeoff
from nago_orchestrator.report.panel import Panel, TextTable
from nago_orchestrator.report.sheet import STYLE_SHEET
from nago_orchestrator.report.study_report import StudyReport
from nago_orchestrator.report.style import joined

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
        full_training(report.trained, report.search),
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
        hyperparameters(report.search, report.objective, report.best["proposals"] if report.best else ()),
        effects(report.beliefs, report.objectives, report.beliefs_missing),
        calibration(report.search, report.learnt),
        foretold(report.search, report.objectives),
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
    name = escape(str(report.study["name"]))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{name} · NAGO report</title>",
            f"<style>{STYLE_SHEET}</style>",
            f"<script>{get_plotlyjs()}</script></head><body><main>",
            _head(report, name, panels),
            _best(report),
            *(_section(panel) for panel in panels),
            _top(report),
            f"<footer>made by NAGO at {quantities.moment(report.made_at)}</footer>",
            "</main></body></html>\n",
        ]
    )


def _head(report: StudyReport, name: str, panels: Sequence[Panel]) -> str:
    links = [("best", _best_title(report)), *((panel.key, panel.title) for panel in panels), ("top", "Top trials")]
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{_fact(label, value)}</dd></div>" for label, value in study_facts(report)
    )
    anchors = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title in links)
    return f"<header><h1>{name}</h1><nav>{anchors}</nav></header><section><dl>{facts}</dl></section>"


def _fact(label: str, value: str) -> str:
    text = escape(value)
    return f'<span class="state {text}">{text}</span>' if label == "State" else text


def _best(report: StudyReport) -> str:
    table, best = best_generator(report), report.best
    title = _best_title(report)
    if table is None or best is None:
        words = escape(_hopeless(report) or best_words(report))
        return f'<section id="best"><h2>{title}</h2><p class="note">{words}</p></section>'
    value = quantities.objective(report.objective.name, best["objective_values"][report.objective.name])
    body = f'<div class="columns">{_table(table)}</div>'
    if report.drawing:
        body = f'<div class="pair"><div>{_table(table)}</div><div class="drawing">{report.drawing}</div></div>'
    return (
        f'<section id="best"><h2>{title}</h2><div class="big">{escape(report.objective.name)} {escape(value)}</div>'
        f'<p class="reading">{escape(best_words(report))}{_beside(report)}</p>{body}</section>'
    )


def _best_title(report: StudyReport) -> str:
    """Of several objectives the first one chooses."""
    return "Best generator" if len(report.objectives) == 1 else f"Best generator by {escape(report.objective.name)}"


def _beside(report: StudyReport) -> str:
    """Of several objectives: how many generators are as good in another way."""
    if len(report.objectives) == 1:
        return ""
    number = _front_rows(report).front_size
    verb = "is" if number == 1 else "are"
    return f' On the <a href="#front">Pareto front</a> {verb} {counted(number, "generator")}.'


def _section(panel: Panel) -> str:
    parts = [f'<section id="{panel.key}"><h2>{escape(panel.title)}</h2>']
    if panel.figure is not None:
        parts.append(f'<p class="reading">{escape(panel.reading)}</p>')
        parts.append(
            plotly.io.to_html(
                panel.figure, config=_CONFIG, include_plotlyjs=False, full_html=False, div_id=f"figure-{panel.key}"
            )
        )
    if panel.note:
        parts.append(f'<p class="note">{escape(panel.note)}</p>')
    if panel.table is not None and panel.table.rows:
        body = f'<div class="scroll">{_table(panel.table)}</div>'
        rows = counted(len(panel.table.rows), "row")
        parts.append(f"<details><summary>As a table ({rows})</summary>{body}</details>")
    return "".join([*parts, "</section>"])


def _top(report: StudyReport) -> str:
    table = top_trials(report)
    body = (
        f'<p class="note">{escape(all_infeasible(report.search) or "No trial has finished yet.")}</p>'
        if table is None
        else f'<div class="scroll">{_table(table)}</div>'
    )
    return f'<section id="top"><h2>Top trials</h2>{body}</section>'


def _table(table: TextTable) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "".join(
        f"<tr{' class=fixed' if 'fixed' in row else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in table.rows
    )
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{rows}</tbody></table>"
