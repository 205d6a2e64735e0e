"""The tables of the report: facts of the study, its best generator, its best trials. All as (header, rows) of text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from nago_orchestrator.domain.dataset import in_words
from nago_orchestrator.domain.rows import AttemptRow, TrialRow
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted, learnt_from
from nago_orchestrator.report.figures.failures import seconds
from nago_orchestrator.report.panel import TextTable
from nago_orchestrator.report.study_report import StudyReport

TOP = 15


def study_facts(report: StudyReport) -> list[tuple[str, str]]:
    """Label and value, for the head of the page."""
    study = report.study
    states = Counter(str(row.state) for row in report.trials)
    by_state = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
    facts = [
        ("State", str(study.state)),
        ("Generator", report.generator),
        ("Objectives", ", ".join(f"{objective.name} ({objective.goal})" for objective in report.objectives)),
        ("Seed", str(study.seed)),
        *([("Images", in_words(study.dataset))] if study.dataset else []),
        *([("Duplicates", "; ".join(study.dataset.duplicates))] if study.dataset and study.dataset.duplicates else []),
        *_warm_start(report),
        ("Trials", by_state or "none yet"),
        ("Evaluations", f"{len(report.evaluations):,}"),
        ("Created", quantities.moment(study.created_at)),
        ("Attempt time", _spent(report.attempts)),
    ]
    return [*facts, ("Message", str(study.message))] if study.message else facts


def _warm_start(report: StudyReport) -> list[tuple[str, str]]:
    prior = report.study.prior
    return [("Warm start", learnt_from(prior, report.warm_start))] if prior else []


def _spent(attempts: Sequence[AttemptRow]) -> str:
    total = math.fsum(seconds(row) or 0.0 for row in attempts)
    wasted = math.fsum(seconds(row) or 0.0 for row in attempts if row.state in ("failed", "cancelled"))
    text = quantities.duration(total)
    return f"{text}, of which {quantities.duration(wasted)} without a result" if wasted else text


def best_generator(report: StudyReport) -> TextTable | None:
    """Theta of the best evaluation; None where nothing has been evaluated."""
    best = report.best
    if best is None:
        return None
    searched = set(report.searched)
    rows = tuple(
        (name, quantities.number(value), "searched" if name in searched else "fixed")
        for name, value in best.theta.items()
    )
    return TextTable(header=(), rows=rows)


def best_words(report: StudyReport) -> str:
    """One sentence about the best evaluation."""
    best = report.best
    if best is None:
        return "Nothing has been evaluated yet."
    values = ", ".join(
        f"{name} {quantities.objective(name, value)}"
        for name, value in best.objective_values.items()
        if value is not None
    )
    networks, epochs = counted(best.samples, "network"), counted(best.fidelity, "epoch")
    return f"Proposal {best.proposal}, {values}; {networks} trained for {epochs}."


def top_trials(report: StudyReport) -> TextTable | None:
    """The trials with the highest validation accuracy."""
    finished = [(row.validation_accuracy, row) for row in report.trials if row.validation_accuracy is not None]
    if not finished:
        return None
    best = sorted(finished, key=lambda pair: (-pair[0], pair[1].trial))[:TOP]
    header = ("trial", "proposal", "epochs", "accuracy", "loss", "parameters", "memory/sample", "nodes", "time", "hash")
    rows = [_trial_cells(accuracy, row) for accuracy, row in best]
    if not any(row.trial in report.networks for _, row in best):
        return TextTable(header=header, rows=tuple(rows))
    saved = [report.networks.get(row.trial, "-") for _, row in best]
    return TextTable(header=(*header, "network"), rows=tuple((*row, at) for row, at in zip(rows, saved, strict=True)))


def waiting_attempts(report: StudyReport) -> TextTable | None:
    """Attempts that do not run at present, and why; None while all run."""
    waiting = report.study.waiting
    if not waiting:
        return None
    header = ("trial", "attempt", "created", "waits for", "why")
    cells = [
        (str(row.trial), str(row.attempt), quantities.moment(row.created_at), row.reason, row.message or "-")
        for row in waiting
    ]
    return TextTable(header=header, rows=tuple(cells))


def _trial_cells(accuracy: float, row: TrialRow) -> tuple[str, ...]:
    loss, memory = row.validation_loss, row.bytes_per_sample
    return (
        str(row.trial),
        str(row.proposal),
        str(row.fidelity),
        quantities.percent(accuracy),
        "-" if loss is None else f"{loss:.4f}",
        quantities.count(row.parameters),
        "-" if memory is None else quantities.size(memory),
        str(row.nodes),
        quantities.duration(row.seconds),
        row.architecture_hash[:10],
    )
