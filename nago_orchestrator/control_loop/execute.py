"""Executes the planner's actions, one function each, and returns what follows from each of them.

What actions of one kind write is one transaction, which the loop opens around them. Their follow-ups come after the
commit: a handler returns them as values and starts nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Action,
    Ask,
    CancelQueued,
    DataAction,
    DiscardResult,
    EndAttempt,
    EndStudy,
    FollowUp,
    Launch,
    MarkRunning,
    NoteWaiting,
    RepeatStart,
    StartAttempt,
    StopAttempt,
    StoreProposal,
    Tell,
)
from nago_orchestrator.control_loop.data_check_steps import execute_data_action
from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.control_loop.session import Session
from nago_orchestrator.domain.credentials import token_digest
from nago_orchestrator.domain.proposals import Outcome, Proposal
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trial_design import attempt_name, build_task
from nago_orchestrator.domain.trials import Trial, TrialDesign
from nago_orchestrator.evaluation.evaluate import evaluate
from nago_orchestrator.evaluation.metrics import EndedTrial
from nago_orchestrator.executors.exit_causes import invalid_report
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.port import Pause
from nago_orchestrator.store.attempts import NewAttempt
from nago_trainer.architecture import canonical
from nago_trainer.contract.task import TrialTask

STOP_GRACE_SECONDS = 2.0


@singledispatch
def execute(action: Action, session: Session) -> Sequence[FollowUp]:
    raise TypeError(f"no way to execute {action!r}")


@execute.register
def _ask(_: Ask, session: Session) -> Sequence[FollowUp]:
    if session.waiting or session.exhausted:  # answered so a moment ago, to an earlier of several
        return ()
    proposal = session.proposer.ask()
    if not isinstance(proposal, Proposal):
        session.waiting = proposal is Pause.WAITING
        session.exhausted = proposal is Pause.EXHAUSTED
        return ()
    run = _first_of_run(proposal, session)
    trials = tuple(
        session.sampling.trial(proposal, replicate, run=run) for replicate in range(session.rules.replicates)
    )
    return (StoreProposal(proposal, trials),)


def _first_of_run(proposal: Proposal, session: Session) -> int | None:
    """Of a proposal whose trials go on from those of its parent; it has their architectures and seeds."""
    if proposal.run_of is None or proposal.parent is None:
        return None
    parents = {trial.proposal: trial.parent for trial in session.store.rung_trials(session.study_id)}
    number: int = proposal.number
    parent: int | None = proposal.parent
    while parent is not None:
        number, parent = parent, parents[parent]
    return number


@execute.register
def _store_proposal(action: StoreProposal, session: Session) -> Sequence[FollowUp]:
    proposal = action.proposal
    session.store.add_proposal(session.study_id, proposal, canonical(proposal.theta), action.trials, session.clock())
    run = "" if proposal.run_of is None else f" of a run of {proposal.run_of}"
    proposed = session.event(
        EventKind.PROPOSED,
        f"proposal {proposal.number}: {counted(proposal.fidelity, 'epoch')}{run}, by {proposal.origin}",
        proposal=proposal.number,
        fidelity=proposal.fidelity,
    )
    infeasible = [
        session.event(EventKind.INFEASIBLE, trial.infeasible, proposal=proposal.number)
        for trial in action.trials
        if trial.infeasible is not None
    ]
    return (proposed, *infeasible)


@execute.register
def _start(action: StartAttempt, session: Session) -> Sequence[FollowUp]:
    trial = action.trial
    number = len(trial.attempts) + 1
    name = attempt_name(session.study, trial.number, number)
    given = session.executor.credentials(name)
    design = session.store.trial_design(trial.id)
    task = _task(session, trial, design, attempt=number, token=given.token)
    session.store.add_attempt(
        trial.id,
        NewAttempt(
            name=name,
            token=given.token if given.login is None else token_digest(given.token),
            executor=session.executor.name,
            gpus=session.gpus,
            gpu_share=session.gpu_share,
            task=replace(task, token="").to_json() if session.executor.reads_stored_tasks else None,
            login=given.login,
        ),
        session.clock(),
    )
    return (Launch(name, task),)


@execute.register
def _repeat(action: RepeatStart, session: Session) -> Sequence[FollowUp]:
    attempt, token = action.attempt, action.attempt.token
    design = session.store.trial_design(action.trial.id)
    if session.executor.reads_stored_tasks:
        given = session.executor.credentials(attempt.name)
        token = given.token
        if given.login is not None:  # one that was begun by an older version may have others
            session.store.renew_attempt(attempt.id, token=token_digest(token), login=given.login)
    return (Launch(attempt.name, _task(session, action.trial, design, attempt=attempt.number, token=token)),)


def _task(session: Session, trial: Trial, design: TrialDesign, *, attempt: int, token: str) -> TrialTask:
    return build_task(
        design,
        session.recipe_of(design),
        attempt=attempt,
        token=token,
        measures=session.rules.measures,
        unneeded=() if design.run_of is None else session.unneeded_checkpoints(trial.proposal),
    )


@execute.register
def _mark_running(action: MarkRunning, session: Session) -> Sequence[FollowUp]:
    seen = action.observation
    session.store.mark_running(action.attempt.id, node=seen.node, uid=seen.uid, now=session.clock())
    again = f", attempt {action.attempt.number}" if action.attempt.number > 1 else ""
    event = session.event(
        EventKind.STARTED,
        f"trial {action.trial.number} started{again}",
        trial=action.trial.number,
        attempt=action.attempt.number,
    )
    return (event,)


@execute.register
def _note_waiting(action: NoteWaiting, session: Session) -> Sequence[FollowUp]:
    session.store.note_waiting(action.attempt.id, reason=action.reason, message=action.message, now=session.clock())
    return ()


@execute.register
def _accept(action: AcceptResult, session: Session) -> Sequence[FollowUp]:
    result = action.result
    session.store.accept_result(action.attempt.id, result, observation=action.observation, now=session.clock())
    diverged = ", diverged" if result.diverged else ""
    event = session.event(
        EventKind.SUCCEEDED,
        f"trial {action.trial.number}: validation accuracy {result.validation_accuracy:.2%}"
        f" after {counted(result.epochs, 'epoch')} in {result.seconds:.1f} s{diverged}",
        trial=action.trial.number,
        attempt=action.attempt.number,
        accuracy=result.validation_accuracy,
        parameters=result.parameters,
    )
    return (event,)


@execute.register
def _end_attempt(action: EndAttempt, session: Session) -> Sequence[FollowUp]:
    session.store.end_attempt(
        action.attempt.id,
        state=action.state,
        failure=action.failure,
        observation=action.observation,
        trial_to=action.trial_to,
        not_before=action.not_before,
        discards_result=action.discards_result,
        now=session.clock(),
    )
    seen = action.observation
    by_us = action.failure is Failure.INTERRUPTED and (seen is None or seen.failure is not Failure.INTERRUPTED)
    if action.state is AttemptState.CANCELLED or by_us:
        return ()
    cause = (seen.message or seen.reason) if seen else None
    cause = cause or "the attempt disappeared without a status"
    number = action.trial.number
    kind, verdict = _VERDICTS.get(action.trial_to, (EventKind.FAILED, "failed"))
    attempt = action.attempt.number
    text = f"trial {number}, attempt {attempt}: {cause}; {verdict}"
    return (session.event(kind, text, trial=number, attempt=attempt),)


_VERDICTS = {
    TrialState.QUEUED: (EventKind.RETRIED, "it will be retried"),
    TrialState.INFEASIBLE: (EventKind.INFEASIBLE, "infeasible"),
}


@execute.register
def _discard(action: DiscardResult, session: Session) -> Sequence[FollowUp]:
    session.store.discard_result(action.attempt.id)
    number, attempt = action.trial.number, action.attempt.number
    text = f"trial {number}, attempt {attempt}: {invalid_report(action.problem).message}; it does not count"
    return (session.event(EventKind.FAILED, text, trial=number, attempt=attempt),)


@execute.register
def _stop(action: StopAttempt, session: Session) -> Sequence[FollowUp]:
    session.executor.stop(action.attempt.name, grace_seconds=STOP_GRACE_SECONDS)
    return ()


@execute.register
def _cancel(_: CancelQueued, session: Session) -> Sequence[FollowUp]:
    session.store.cancel_trials(session.study_id, session.clock())
    return ()


@execute.register
def _tell(action: Tell, session: Session) -> Sequence[FollowUp]:
    proposal = next(iter(session.store.open_proposals(session.study_id, action.proposal)), None)
    if proposal is None:
        return ()
    trials = [
        EndedTrial(
            state=trial.state,
            result=trial.result,
            parameters=trial.parameters,
            flops=trial.flops,
            bytes_per_sample=trial.bytes_per_sample,
        )
        for trial in proposal.trials
    ]
    evaluation = evaluate(action.proposal, trials, session.objectives, number=session.evaluations)
    session.store.add_evaluation(session.study_id, evaluation, session.clock())
    if not proposal.final_training:
        session.proposer.tell(evaluation)
    session.evaluations += 1
    session.waiting = session.exhausted = False
    if evaluation.outcome is not Outcome.OK:
        return ()
    values = ", ".join(f"{name} {quantities.objective(name, value)}" for name, value in evaluation.values.items())
    return (session.event(EventKind.EVALUATED, f"proposal {action.proposal}: {values}", proposal=action.proposal),)


@execute.register
def _check_data(action: DataAction, session: Session) -> Sequence[FollowUp]:
    return execute_data_action(action, session)


@execute.register
def _end_study(action: EndStudy, session: Session) -> Sequence[FollowUp]:
    session.store.move_study(session.study_id, action.state, message=action.message, now=session.clock())
    word = "is complete" if action.state is StudyState.COMPLETED else action.state
    return (session.event(EventKind.STUDY_ENDED, f"study {session.study} {word}: {action.message}"),)
