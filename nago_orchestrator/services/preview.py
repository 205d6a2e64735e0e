"""A study before it costs anything: its first networks, its first Job, and how much it will train. Nothing is stored.

Called by `submit`, which refuses what could never run, by `submit --dry-run` and by `doctor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nago_orchestrator.bootstrap import sampling_of
from nago_orchestrator.domain.proposals import Proposal
from nago_orchestrator.domain.trial_design import attempt_name, build_task
from nago_orchestrator.domain.trials import NewTrial, TrainingRecipe, TrialDesign
from nago_orchestrator.errors import InputError, NagoError
from nago_orchestrator.executors.kubernetes.manifest.job import build_job, doubts_about
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel
from nago_orchestrator.executors.kubernetes.manifest.settings import settings_of
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.proposers.planned import planned_epochs, planned_proposals
from nago_orchestrator.search.proposers.port import Proposer
from nago_orchestrator.search.proposers.random.proposer import RandomSearch
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.kubernetes import KubernetesSection
from nago_trainer.contract.task import TrialTask

FIRST_PROPOSALS = 8
"""So many are drawn to say what networks are like: a tenth of a second."""
TOKEN = "not-a-token"
"""Stands where each attempt has a secret of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    spec: StudySpec
    recipe: TrainingRecipe
    drawn: tuple[tuple[Proposal, NewTrial], ...]
    """The first proposals, each with its first network; infeasible ones included."""

    @property
    def feasible(self) -> tuple[tuple[Proposal, NewTrial], ...]:
        return tuple((proposal, trial) for proposal, trial in self.drawn if trial.infeasible is None)

    @property
    def why_infeasible(self) -> str | None:
        """Of the first network that cannot be trained."""
        return next((trial.infeasible for _, trial in self.drawn if trial.infeasible is not None), None)

    @property
    def name(self) -> str:
        return attempt_name(self.spec.name, 0, 1)

    def tasks(self) -> tuple[TrialTask, ...]:
        """Of the networks that can be trained, all as the study's first attempt."""
        return tuple(_task(self, proposal, trial) for proposal, trial in self.feasible)

    def first_task(self) -> TrialTask:
        """Raises NagoError if none of the first networks can be trained."""
        tasks = self.tasks()
        if not tasks:
            why = self.why_infeasible or "the search proposes nothing"
            raise NagoError(f"none of the first {len(self.drawn)} networks of the study can be trained: {why}")
        return tasks[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How much a study trains, if nothing fails."""

    trials_by_fidelity: Mapping[int, int]
    """By epochs of each."""
    epochs: int
    """That are trained in all: a trial that goes on from another has only its further ones."""
    most_trials: int | None
    """`limits.trials`, where it ends the study before its search does."""

    @property
    def trials(self) -> int:
        return sum(self.trials_by_fidelity.values())


def study_cost(spec: StudySpec) -> Cost:
    replicates = spec.architectures_per_proposal
    planned = {
        fidelity: replicates * count for fidelity, count in planned_proposals(spec.search, spec.fidelities).items()
    }
    limit = spec.limits.trials
    return Cost(
        trials_by_fidelity=planned,
        epochs=replicates * planned_epochs(spec.search, spec.fidelities),
        most_trials=None if limit is None or limit >= sum(planned.values()) else limit,
    )


def preview_study(spec: StudySpec, recipe: TrainingRecipe) -> Preview:
    """With the first proposals of the study's own search. Raises InputError where its libraries are missing."""
    return _drawn(spec, recipe, make_proposer(spec, recipe))


def refuse_impossible(spec: StudySpec, recipe: TrainingRecipe, now: datetime) -> tuple[str, ...]:
    """What of the study's pod template is not known to be good, if the study allows that. Quick: no search is loaded.

    Raises SpecError for a template that could never be sent, and for one that does what the study does not allow.
    """
    if spec.execution.where != "kubernetes":
        return ()
    space, fidelity = spec.search_space(), spec.fidelities[-1]
    some = RandomSearch(space=space, study_seed=spec.seed, fidelity=fidelity, proposals=FIRST_PROPOSALS)
    preview = _drawn(spec, recipe, some)
    return template_doubts(preview, now)


def template_doubts(preview: Preview, now: datetime) -> tuple[str, ...]:
    """As `refuse_impossible`, of a study in a cluster that has been previewed."""
    if not preview.drawn:
        return ()
    settings = settings_of(_section(preview.spec))
    # Any amount will do, and one that is given is not computed, which takes the extra `kubernetes`: a study can be
    # submitted without it.
    given = replace(settings, memory=settings.memory or settings.shared_memory)
    proposal, trial = preview.drawn[0]
    some = _task(preview, proposal, replace(trial, width=trial.width or 1))  # whether it can be trained or not
    return doubts_about(preview.name, some, StudyLabel.of(preview.spec.name, now), given)


def first_job(preview: Preview, now: datetime) -> dict[str, Any]:
    """As it would be sent, but for its token and the study's key. Raises SpecError for an impossible pod template."""
    template_doubts(preview, now)
    return _job(preview, preview.first_task(), now)


def _job(preview: Preview, task: TrialTask, now: datetime) -> dict[str, Any]:
    label = StudyLabel.of(preview.spec.name, now)
    return build_job(preview.name, task, label, settings_of(_section(preview.spec)))


def _section(spec: StudySpec) -> KubernetesSection:
    if spec.execution.kubernetes is None:
        raise InputError("the study file does not describe its Jobs", do="add the section execution.kubernetes")
    return spec.execution.kubernetes


def _drawn(spec: StudySpec, recipe: TrainingRecipe, proposer: Proposer) -> Preview:
    sampling = sampling_of(spec, recipe)
    drawn: list[tuple[Proposal, NewTrial]] = []
    while len(drawn) < FIRST_PROPOSALS and isinstance(proposal := proposer.ask(), Proposal):
        drawn.append((proposal, sampling.trial(proposal, 0)))
    return Preview(spec=spec, recipe=recipe, drawn=tuple(drawn))


def _task(preview: Preview, proposal: Proposal, trial: NewTrial) -> TrialTask:
    design = TrialDesign(
        study=preview.spec.name,
        number=0,
        architecture=dict(trial.architecture),
        width=trial.width,
        parameters=trial.parameters,
        bytes_per_sample=trial.bytes_per_sample,
        training_seed=trial.training_seed,
        fidelity=proposal.fidelity,
        run_of=proposal.run_of,
    )
    return build_task(design, preview.recipe, attempt=1, token=TOKEN)
