"""What the planner is shown: the rows of a study, what its executor observes, and what both come to. For the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nago_orchestrator.control_loop.data_checks import DataState
from nago_orchestrator.control_loop.planner import Snapshot
from nago_orchestrator.control_loop.session import Session
from nago_orchestrator.domain.attempts import Observation, Phase
from nago_orchestrator.domain.data_checks import DataCheck, Known, data_check_name
from nago_orchestrator.domain.states import StudyState
from nago_orchestrator.domain.trials import Trial
from nago_orchestrator.errors import ImageStorageError
from nago_trainer.contract.data_report import DATA_CHANGED


def failed(trials: tuple[Trial, ...], observations: Mapping[str, Observation]) -> set[int]:
    """Ids of those whose attempts have ended without a result: how far they came decides what becomes of them."""
    over = (Phase.ENDED, Phase.ABSENT)
    return {
        trial.id
        for trial in trials
        if (attempt := trial.live_attempt) and (seen := observations.get(attempt.name))
        if seen.phase in over and seen.result is None and trial.result is None
    }


def take_snapshot(session: Session, trials: tuple[Trial, ...], observations: Mapping[str, Observation]) -> Snapshot:
    state = session.state
    ran = session.running.look(session.clock(), runs=state.study_state is StudyState.RUNNING)
    return Snapshot(
        state=state.study_state,
        draining=session.stop.requested,
        trials=trials,
        observations=observations,
        ready=state.ready,
        spent=state.spent(gpu_limit=session.rules.limits.gpu_hours is not None, ran=ran),
        exhausted=session.exhausted,
        waiting=session.waiting,
        images_changed=_images_changed(session, observations),
        data=_data_state(session, trials, observations),
    )


def _images_changed(session: Session, observations: Mapping[str, Observation]) -> str | None:
    """A trainer's word alone ends no study: where one says so, the images are looked at here.

    Where that is not possible at the moment, the attempt has failed and no more: the next one looks again.
    """
    if not any(map(_doubts, observations.values())):
        return None
    try:
        return session.image_changes()
    except ImageStorageError:
        return None


def live_data_checks(session: Session) -> Sequence[DataCheck]:
    """The one that is under way, if there is one."""
    if session.data_jobs is None:
        return ()
    return [check for check in session.state.data_checks if not check.state.is_final]


def _data_state(
    session: Session, trials: tuple[Trial, ...], observations: Mapping[str, Observation]
) -> DataState | None:
    if session.data_jobs is None:
        return None
    names = [data_check_name(session.study, check.number) for check in live_data_checks(session)]
    attempts = [attempt for trial in trials if (attempt := trial.live_attempt)]
    return DataState(
        checks=session.state.data_checks,
        study=session.state.study_state,
        changed_at=session.state.changed_at,
        draining=session.stop.requested,
        known=Known(
            dataset=session.recipe.dataset,
            batch_size=session.recipe.training.batch_size,
            begun=session.state.has_begun,
            memory=session.data_jobs.memory_of_trials,
        ),
        observation=next((observations[name] for name in names if name in observations), None),
        suspects=tuple(attempt for attempt in attempts if _doubts(observations.get(attempt.name))),
    )


def _doubts(seen: Observation | None) -> bool:
    return seen is not None and seen.phase is Phase.ENDED and seen.reason == DATA_CHANGED
