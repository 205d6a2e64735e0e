"""Everything that the HTML page of a study shows, read from the database. Called by `nago-orch report`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from nago_orchestrator.drawing import draw_svg
from nago_orchestrator.drawing.notes import network_notes
from nago_orchestrator.evaluation.generator_results import evaluated_at
from nago_orchestrator.evaluation.metrics import cheap_objectives
from nago_orchestrator.report.figures.hyperparameters import best_covered
from nago_orchestrator.report.page import build_page
from nago_orchestrator.report.study_report import StudyReport
from nago_orchestrator.services.kept_networks import network_places
from nago_orchestrator.services.surrogate_analysis import least_evaluations, posterior_effects
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import BatchSection, phases_of
from nago_orchestrator.store import final_training, found, queries
from nago_orchestrator.store.engine import OpenDatabase
from nago_trainer.architecture import Architecture


def report_page(engine: OpenDatabase, url: str, study: str, now: datetime, *, with_surrogate: bool) -> str:
    """The page as HTML; `with_surrogate`: also what a surrogate that is fitted now predicts."""
    networks = network_places(engine, url, study)
    return build_page(replace(_collect(engine, study, now, with_surrogate=with_surrogate), networks=networks))


def _collect(engine: OpenDatabase, study: str, now: datetime, *, with_surrogate: bool) -> StudyReport:
    status = queries.study_status(engine, study)
    spec = StudySpec.from_canonical(status.spec)
    space, trained = spec.search_space(), final_training.generators(engine, study)
    made = StudyReport(
        study=status,
        generator=space.generator,
        searched=tuple(dimension.name for dimension in space.dimensions),
        objectives=status.objectives,
        trials=queries.list_trials(engine, study),
        epochs=queries.epochs(engine, study),
        evaluations=queries.evaluations(engine, study),
        attempts=queries.attempts(engine, study),
        made_at=now,
        warm_start=spec.warm_start,
        drawing=_drawing(engine, study),
        phases=tuple(phase.algorithm for phase in phases_of(spec.search)),
        learnt=_learnt(spec),
        trained=trained,
        details=queries.class_details(engine, study, [trial.trial for row in trained for trial in row.trials]),
    )
    return _with_effects(made, spec) if with_surrogate else made


def _with_effects(made: StudyReport, spec: StudySpec) -> StudyReport:
    """At the fidelity that is compared, or where most is known if that is too little for a surrogate."""
    rows = evaluated_at(made.search, made.fidelity)
    if made.search and len(rows) < least_evaluations(spec.search_space()):
        rows = evaluated_at(made.search, best_covered([row.fidelity for row in made.search]))
    posterior, missing = posterior_effects(rows, made.objectives, spec)
    return replace(made, posterior=posterior, effects_missing=missing)


def _learnt(spec: StudySpec) -> tuple[str, ...]:
    """The objectives that the newest phase with a surrogate learns from evaluations, in the study's order."""
    asked = [name for phase in phases_of(spec.search) if isinstance(phase, BatchSection) for name in phase.learn]
    known = cheap_objectives(asked)
    return tuple(objective.name for objective in spec.objectives if objective.name not in known)


def _drawing(engine: OpenDatabase, study: str) -> str | None:
    """The architecture of the best evaluation's first trial, as SVG."""
    best = found.incumbent(engine, study)
    if best is None or not best.trials:
        return None
    trial = queries.show_trial(engine, study, best.trials[0].trial)
    title = f"trial {study}/{trial.trial}"
    notes = network_notes(
        nodes=trial.nodes, parameters=trial.parameters, memory=trial.bytes_per_sample, width=trial.width
    )
    return draw_svg(Architecture.from_json(trial.architecture), title=title, notes=notes)
