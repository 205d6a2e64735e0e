"""Carries out the planner's actions, one function each.

What actions of one kind write is one transaction, which the loop opens around them; what they have begun, and what
they have to tell, comes after its end.
"""

from __future__ import annotations

from functools import singledispatch

from nago_orchestrator.control_loop.actions import (
    AcceptResult,
    Action,
    Ask,
    CancelQueued,
    EndAttempt,
    EndStudy,
    MarkRunning,
    RepeatStart,
    StartAttempt,
    StopAttempt,
    Tell,
)
from nago_orchestrator.control_loop.events import EventKind
from nago_orchestrator.control_loop.session import Asked, Session
from nago_orchestrator.domain.proposals import Outcome, Proposal
from nago_orchestrator.domain.states import AttemptState, Failure, StudyState, TrialState
from nago_orchestrator.domain.trial_design import attempt_name, build_task
from nago_orchestrator.evaluation.evaluate import evaluate
from nago_orchestrator.evaluation.metrics import EndedTrial
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.search.proposers.port import Pause
from nago_trainer.architecture import canonical

STOP_GRACE_SECONDS = 2.0


@singledispatch
def carry_out(action: Action, session: Session) -> None:
    raise TypeError(f"no way to carry out {action!r}")


@carry_out.register
def _ask(_: Ask, session: Session) -> None:
    if session.waiting or session.exhausted:  # answered so a moment ago, to an earlier of several
        return
    proposal = session.proposer.ask()
    if not isinstance(proposal, Proposal):
        session.waiting = proposal is Pause.WAITING
        session.exhausted = proposal is Pause.EXHAUSTED
        return
    trials = [session.draw.trial(proposal, replicate) for replicate in range(session.rules.replicates)]
    session.asked.append(Asked(proposal, tuple(trials)))


def store_proposal(asked: Asked, session: Session) -> None:
    proposal = asked.proposal
    session.store.add_proposal(session.study_id, proposal, canonical(proposal.theta), asked.trials, session.clock())
    session.emit(
        EventKind.PROPOSED,
        f"proposal {proposal.number}: {counted(proposal.fidelity, 'epoch')}, by {proposal.origin}",
        proposal=proposal.number,
        fidelity=proposal.fidelity,
    )
    for trial in asked.trials:
        if trial.infeasible is not None:
            session.emit(EventKind.INFEASIBLE, trial.infeasible, proposal=proposal.number)


@carry_out.register
def _start(action: StartAttempt, session: Session) -> None:
    trial = action.trial
    number = len(trial.attempts) + 1
    name, token = attempt_name(session.study, trial.number, number), session.new_token()
    design = session.store.trial_design(trial.id)
    task = build_task(design, session.recipe_of(design), attempt=number, token=token)
    session.store.add_attempt(
        trial.id,
        name=name,
        token=token,
        executor=session.executor.name,
        gpus=session.gpus,
        now=session.clock(),
        task=task.to_json() if session.executor.reads_stored_tasks else None,
    )
    session.begun[name] = task


@carry_out.register
def _repeat(action: RepeatStart, session: Session) -> None:
    attempt = action.attempt
    design = session.store.trial_design(action.trial.id)
    task = build_task(design, session.recipe_of(design), attempt=attempt.number, token=attempt.token)
    session.begun[attempt.name] = task


@carry_out.register
def _mark_running(action: MarkRunning, session: Session) -> None:
    seen = action.observation
    session.store.mark_running(action.attempt.id, node=seen.node, uid=seen.uid, now=session.clock())
    again = f", attempt {action.attempt.number}" if action.attempt.number > 1 else ""
    session.emit(
        EventKind.STARTED,
        f"trial {action.trial.number} started{again}",
        trial=action.trial.number,
        attempt=action.attempt.number,
    )


@carry_out.register
def _accept(action: AcceptResult, session: Session) -> None:
    result = action.result
    session.store.accept_result(action.attempt.id, result, observation=action.observation, now=session.clock())
    diverged = ", diverged" if result.diverged else ""
    session.emit(
        EventKind.SUCCEEDED,
        f"trial {action.trial.number}: validation accuracy {result.validation_accuracy:.2%}"
        f" after {counted(result.epochs, 'epoch')} in {result.seconds:.1f} s{diverged}",
        trial=action.trial.number,
        attempt=action.attempt.number,
        accuracy=result.validation_accuracy,
        parameters=result.parameters,
    )


@carry_out.register
def _end_attempt(action: EndAttempt, session: Session) -> None:
    session.store.end_attempt(
        action.attempt.id,
        state=action.state,
        failure=action.failure,
        observation=action.observation,
        trial_to=action.trial_to,
        not_before=action.not_before,
        now=session.clock(),
    )
    if action.state is AttemptState.CANCELLED or action.failure is Failure.INTERRUPTED:
        return
    seen = action.observation
    cause = (seen.message or seen.reason) if seen else None
    cause = cause or "nothing was found of it"
    number = action.trial.number
    kind, verdict = _VERDICTS.get(action.trial_to, (EventKind.FAILED, "failed"))
    attempt = action.attempt.number
    session.emit(kind, f"trial {number}, attempt {attempt}: {cause}; {verdict}", trial=number, attempt=attempt)


_VERDICTS = {
    TrialState.QUEUED: (EventKind.RETRIED, "it is tried again"),
    TrialState.INFEASIBLE: (EventKind.INFEASIBLE, "infeasible"),
}


@carry_out.register
def _stop(action: StopAttempt, session: Session) -> None:
    session.executor.stop(action.attempt.name, grace_seconds=STOP_GRACE_SECONDS)


@carry_out.register
def _cancel(_: CancelQueued, session: Session) -> None:
    session.store.cancel_trials(session.study_id, session.clock())


@carry_out.register
def _tell(action: Tell, session: Session) -> None:
    proposal = next(iter(session.store.open_proposals(session.study_id, action.proposal)), None)
    if proposal is None:
        return
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
    evaluation = evaluate(action.proposal, trials, session.objectives, number=session.told)
    session.store.add_evaluation(session.study_id, evaluation, session.clock())
    if not proposal.final:
        session.proposer.tell(evaluation)
    session.told += 1
    session.waiting = session.exhausted = False
    if evaluation.outcome is Outcome.OK:
        values = ", ".join(f"{name} {value:.6g}" for name, value in evaluation.values.items())
        session.emit(EventKind.EVALUATED, f"proposal {action.proposal}: {values}", proposal=action.proposal)


@carry_out.register
def _end_study(action: EndStudy, session: Session) -> None:
    session.store.move_study(session.study_id, action.state, message=action.message, now=session.clock())
    word = "is complete" if action.state is StudyState.COMPLETED else action.state
    session.emit(EventKind.STUDY_ENDED, f"study {session.study} {word}: {action.message}")
