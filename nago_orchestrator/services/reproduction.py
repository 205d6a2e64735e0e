"""Whether a seed reproduces its stored study. For `nago-orch replay --verify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nago_orchestrator.bootstrap import sampling_of
from nago_orchestrator.control_loop.trial_sampling import compare_trials
from nago_orchestrator.search.factory import make_proposer
from nago_orchestrator.search.final_training import search_alone
from nago_orchestrator.search.proposers.replay import Difference, verify
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.store.store import open_store

Progress = Callable[[int, int], None]
"""Is given how many are compared, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    differences: tuple[Difference, ...]
    """Of proposals up to the first one that differs, or of trials; empty if all are the same."""
    compared_trials: bool
    """Whether the trials were compared; not where a proposal differs already."""


def reproduce(name: str, url: str, *, proposals_only: bool, on_proposal: Progress, on_trial: Progress) -> Reproduction:
    differences = verify_replay(name, url, on_proposal)
    if differences or proposals_only:
        return Reproduction(differences=differences, compared_trials=False)
    return Reproduction(differences=verify_draws(name, url, on_trial), compared_trials=True)


def verify_replay(name: str, url: str, on_progress: Progress) -> tuple[Difference, ...]:
    """Ask a new proposer for every proposal again and compare; empty if all are the same.

    `on_progress` is given proposals done and in all, at first 0: the next one may take a search minutes.
    """
    store = open_store(url)
    study = store.study(name)
    proposals, evaluations = search_alone(*store.history(study.id))
    proposer = make_proposer(StudySpec.from_canonical(study.spec), study.recipe, study.prior)
    if proposals:
        on_progress(0, len(proposals))
    return verify(proposer, proposals, evaluations, lambda done: on_progress(done, len(proposals)))


def verify_draws(name: str, url: str, on_progress: Progress) -> tuple[Difference, ...]:
    """Draw every trial again from theta and seeds and compare; `on_progress` is given trials done and in all."""
    store = open_store(url)
    study = store.study(name)
    proposals, _ = store.history(study.id)
    stored = store.drawn_trials(study.id)
    sampling = sampling_of(StudySpec.from_canonical(study.spec), study.recipe)
    return compare_trials(sampling, proposals, stored, lambda done: on_progress(done, len(stored)))
