"""What a study that is to be submitted finds in the database: whether its name is free, and what it begins with."""

from __future__ import annotations

from collections.abc import Sequence

from nago_orchestrator.domain.dataset import DatasetSummary
from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.proposals import Evaluation, Outcome, PriorEvaluation
from nago_orchestrator.domain.trials import TrainingRecipe
from nago_orchestrator.evaluation.evaluate import evaluate
from nago_orchestrator.evaluation.metrics import EndedTrial
from nago_orchestrator.search.warm_start import Learner, SourceStudy, prior_evaluations
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.phase_checks import trained_at
from nago_orchestrator.spec.search import continues, learns, phases_of
from nago_orchestrator.store.records import NewStudy, Study
from nago_orchestrator.store.store import Store
from nago_orchestrator.store.studies import refuse_other_spec
from nago_trainer.contract.task import DatasetSettings


def stored_study(store: Store, spec: StudySpec) -> Study | None:
    """The one of that name, if it is there already. Raises SpecError where that has another spec."""
    stored = next((study for study in store.studies() if study.name == spec.name), None)
    if stored is not None:
        refuse_other_spec(stored, spec.digest())
    return stored


def new_study(store: Store, spec: StudySpec, recipe: TrainingRecipe, dataset: DatasetSummary | None = None) -> NewStudy:
    """As it is to be stored; one that is there already keeps what it began with.

    Raises SpecError where another spec has its name, and for a warm start that teaches nothing; NotFoundError for one
    that names no study.
    """
    stored = stored_study(store, spec)
    return NewStudy(
        name=spec.name,
        spec=spec.canonical(),
        spec_hash=spec.digest(),
        seed=spec.seed,
        objectives=spec.objective_values(),
        recipe=recipe,
        dataset=dataset,
        prior=() if stored is not None else _warm_start(store, spec, recipe.dataset),
    )


def _warm_start(store: Store, spec: StudySpec, dataset: DatasetSettings) -> tuple[PriorEvaluation, ...]:
    """What the studies that it names have found by now."""
    learner = _learner(spec, dataset)
    found: list[PriorEvaluation] = []
    for name in spec.warm_start:
        study = store.study(name)
        proposals, evaluations = store.history(study.id)
        source = SourceStudy(
            name=name,
            space=StudySpec.from_canonical(study.spec).search_space(),
            dataset=study.recipe.dataset,
            proposals=proposals,
            evaluations=_with_values(store, study.id, evaluations, learner.objectives),
        )
        found += prior_evaluations(source, learner)
    return tuple(found)


def _with_values(
    store: Store, study_id: int, evaluations: Sequence[Evaluation], objectives: Sequence[Objective]
) -> list[Evaluation]:
    """With values of these objectives, which the study may not have had: its trials were measured in every one."""
    names = {objective.name for objective in objectives}
    if all(names <= evaluation.values.keys() for evaluation in evaluations if evaluation.outcome is Outcome.OK):
        return list(evaluations)
    # The sizes are read last: a study that still runs may have more trials by then, and none that has no size.
    stored = store.some_trials(study_id, ids=(), beyond=-1)
    sizes = {drawn.number: drawn for drawn in store.drawn_trials(study_id)}
    trials: dict[int, list[EndedTrial]] = {}
    for trial in stored:
        size = sizes[trial.number]
        ended = EndedTrial(
            state=trial.state,
            result=trial.result,
            parameters=size.parameters,
            flops=size.flops,
            bytes_per_sample=size.bytes_per_sample,
        )
        trials.setdefault(trial.proposal, []).append(ended)
    return [evaluate(told.proposal, trials[told.proposal], objectives, number=told.number) for told in evaluations]


def _learner(spec: StudySpec, dataset: DatasetSettings) -> Learner:
    learning = [phase for phase in phases_of(spec.search) if learns(phase)]
    return Learner(
        space=spec.search_space(),
        dataset=dataset,
        objectives=spec.objective_values(),
        fidelities=spec.fidelities,
        observed_at=sorted({fidelity for phase in learning for fidelity in trained_at(phase, spec.fidelities)}),
        run_of=spec.fidelities[-1] if continues(spec.search) else None,
        search=" and ".join(dict.fromkeys(phase.algorithm for phase in learning)),
    )
