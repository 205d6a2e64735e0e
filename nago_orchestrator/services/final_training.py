"""Queue the paper's last stage for a study whose search is complete. Called by the command `train-best`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nago_orchestrator.bootstrap import sampling_of
from nago_orchestrator.domain.rows import GeneratorRow
from nago_orchestrator.domain.states import StudyState, TrialState
from nago_orchestrator.domain.trials import NewTrial
from nago_orchestrator.errors import NagoError, NotFoundError
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.final_training import Chosen, Wish, distinct, final_recipe, plan_final, random_generators
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store import found, queries
from nago_orchestrator.store.engine import OpenDatabase
from nago_orchestrator.store.lock import describe_holder
from nago_orchestrator.store.records import Study
from nago_orchestrator.store.store import Store
from nago_trainer.architecture import canonical
from nago_trainer.contract.task import TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The final training that was queued."""

    study: Study
    generators: int
    """Of which networks were missing."""
    networks: int
    infeasible: tuple[str, ...]
    """Why some of these networks cannot be trained, one sentence each."""
    saved: bool
    """Whether trained networks are saved."""
    tested: bool
    """Whether they are measured on test images, which no search sees."""
    shortfall: str | None
    """What is odd about its epochs, as `short_of_search` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which generators a user names; several ways add up, and nothing named is the default of the study."""

    pareto: bool = False
    best: bool = False
    proposals: tuple[int, ...] = ()
    random: int = 0


def chosen_generators(engine: OpenDatabase, study: str, choice: Choice) -> list[Chosen]:
    """Each once. By default the Pareto front of a study with several objectives, else the best generator.

    Raises NotFoundError for a proposal that the search has not made.
    """
    status = queries.study_status(engine, study)
    named = choice.pareto or choice.best or choice.proposals or choice.random
    pareto = choice.pareto or (not named and len(status.objectives) > 1)
    rows: Sequence[GeneratorRow] = found.pareto_front(engine, study) if pareto else ()
    if choice.best or (not named and not pareto):
        incumbent = found.incumbent(engine, study)
        rows = [incumbent] if incumbent else []
    space = StudySpec.from_canonical(status.spec).search_space()
    return distinct(
        [
            *(Chosen(proposal=row.proposal, theta=row.theta) for row in rows),
            *_of_proposals(engine, study, choice.proposals),
            *random_generators(space, status.seed, choice.random),
        ]
    )


def _of_proposals(engine: OpenDatabase, study: str, numbers: Sequence[int]) -> list[Chosen]:
    thetas = queries.searched_thetas(engine, study, numbers)
    for number in numbers:
        if number not in thetas:
            raise NotFoundError(
                f"the search {study} has made no proposal {number}", do="give numbers that nago-orch trials lists"
            )
    return [Chosen(proposal=number, theta=thetas[number]) for number in numbers]


def keeps_networks(study: Study) -> bool:
    """Whether its trainers have a place for their networks that outlives them."""
    execution = StudySpec.from_canonical(study.spec).execution
    return execution.kubernetes is None or execution.kubernetes.checkpoints is not None


_WITHOUT_NETWORK = (TrialState.FAILED, TrialState.INFEASIBLE, TrialState.CANCELLED)


def train_best(  # each a wish of its own, given by name
    store: Store,
    name: str,
    chosen: Sequence[Chosen],
    *,
    networks: int | None,
    epochs: int | None,
    now: datetime,
) -> Queued:
    """Store the trials of the final training and let the study run again.

    Without `networks` and `epochs` they are the study file's. What was trained before counts, failed networks do not:
    a repeated request adds nothing. Raises NagoError for a search that is not complete or has found nothing,
    HeldError while somebody runs the study.
    """
    study = store.study(name)
    if study.state is not StudyState.COMPLETED:
        raise NagoError(
            f"final training needs a completed search, and the study {name} is {study.state}",
            do=f"wait for its end, or `nago-orch resume {name}` if nobody runs it",
        )
    if not chosen:
        raise NagoError(f"the search {name} has found no generator to train")
    spec = StudySpec.from_canonical(study.spec)
    sampling = sampling_of(spec, final_recipe(study.recipe, spec.final_training.recipe_changes()))
    wish = Wish(networks=networks or spec.final_training.networks, epochs=epochs or spec.final_epochs)
    with store.hold(study.id, describe_holder(now)):
        proposals, evaluations = store.history(study.id)
        begun = {
            proposal.number: sum(trial.state not in _WITHOUT_NETWORK for trial in proposal.trials)
            for proposal in store.open_proposals(study.id)
        }
        planned = plan_final(chosen, proposals, evaluations, wish, begun)
        drawn: list[NewTrial] = []
        for plan in planned:
            trials = [sampling.trial(plan.proposal, replicate) for replicate in range(plan.networks)]
            drawn += trials
            store.add_proposal(study.id, plan.proposal, canonical(plan.proposal.theta), trials, now)
        if planned or len(evaluations) < len(proposals):
            store.move_study(study.id, StudyState.RUNNING, message="final training", now=now)
    return Queued(
        study=store.study(name),
        saved=keeps_networks(study),
        tested=sampling.recipe.dataset.measured_on == TEST,
        shortfall=short_of_search(study, epochs),
        generators=len(planned),
        networks=len(drawn),
        infeasible=tuple(trial.infeasible for trial in drawn if trial.infeasible is not None),
    )


def short_of_search(study: Study, epochs: int | None) -> str | None:
    """What is odd about training for fewer epochs than the search itself did; None where it is not so."""
    spec = StudySpec.from_canonical(study.spec)
    asked, longest = epochs or spec.final_epochs, spec.fidelities[-1]
    if asked >= longest:
        return None
    return f"final training takes {counted(asked, 'epoch')}, fewer than the search's {longest}"
