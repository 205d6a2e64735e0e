"""submit --dry-run: the first Job, or the first task, as YAML, below what the study would cost, as comments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import yaml

from nago_orchestrator.cli.output.say import say
from nago_orchestrator.domain.findings import Finding
from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.preview import Cost
from nago_orchestrator.services.study_plan import StudyPlan
from nago_orchestrator.spec import StudySpec
from nago_orchestrator.spec.search import continues

V = TypeVar("V")


def show_plan(plan: StudyPlan) -> None:
    shown = yaml.safe_dump(dict(plan.first), sort_keys=False, default_flow_style=False, width=120)
    for line in (*cost_lines(plan.spec, plan.cost), *execution_lines(plan), *network_lines(plan), *doubt_lines(plan)):
        say(f"# {line}")
    say(shown.rstrip())


def cost_lines(spec: StudySpec, cost: Cost) -> Iterator[str]:
    yield f"study {spec.name}, {spec.search.algorithm}, seed {spec.seed}: nothing is stored"
    by_fidelity = ", ".join(
        f"{count} of {counted(epochs, 'epoch')}" for epochs, count in cost.trials_by_fidelity.items()
    )
    yield f"{counted(cost.trials, 'trial')}, {counted(cost.epochs, 'epoch')} in total: {by_fidelity}"
    if continues(spec.search):
        yield "a trial of a higher rung goes on from the one below and trains its further epochs only"
    limits = spec.limits
    told = [
        counted(cost.most_trials, "trial") if cost.most_trials is not None else None,
        f"{quantities.number(limits.gpu_hours)} GPU-hours" if limits.gpu_hours is not None else None,
        quantities.duration(limits.wall_time) if limits.wall_time is not None else None,
    ]
    if any(told):
        yield f"limits: no new proposal after {' or '.join(text for text in told if text)}"


def execution_lines(plan: StudyPlan) -> Iterator[str]:
    execution, resources = plan.spec.execution, plan.resources
    if resources is None or execution.kubernetes is None:
        threads = counted(execution.threads, "thread")
        if execution.devices is not None:
            threads += f", on {', '.join(execution.devices)} ({counted(execution.trials_per_device, 'trial')} each)"
        yield f"at most {counted(execution.parallelism, 'process')} at a time on this machine, each with {threads}"
        return
    gpu = execution.kubernetes.gpu
    claim = gpu.claim_template or gpu.claim
    claimed = f"a device by the claim {'template ' if gpu.claim_template else ''}{claim}, "
    gpus = claimed if claim else f"{gpu.count} {gpu.resource}, " if gpu.count else "no GPU, "
    source = "given" if execution.kubernetes.memory else "from the plan"
    yield (
        f"at most {counted(execution.parallelism, 'Job')} at a time, each with {gpus}{_range(resources.cpu)} CPU, "
        f"{_range(resources.memory)} memory ({source}; limit {_range(resources.memory_limit)})"
    )
    if gpu.count and not claim:
        yield f"at most {quantities.count(execution.parallelism * gpu.count)} {gpu.resource} at a time in total"


def network_lines(plan: StudyPlan) -> Iterator[str]:
    parameters = _range(plan.parameters, quantities.count)
    memory = _range(plan.bytes_per_sample, quantities.size)
    drawn = f"{counted(plan.networks, 'network')} sampled for an estimate"
    yield f"{drawn}: {parameters} parameters, {memory} of memory per image in training"
    if plan.infeasible:
        yield f"{plan.infeasible} more could not be trained: {plan.why_infeasible}"


def doubt_lines(plan: StudyPlan) -> Iterator[str]:
    for doubt in plan.doubts:
        yield f"warning: {doubt}"


def show_answers(findings: Sequence[Finding]) -> None:
    """Of the API server, as comments below the Job."""
    for finding in findings:
        say(f"# {finding.state}: {finding.check}: {finding.detail}")
        if finding.remedy is not None:
            say(f"#   {finding.remedy}")


def _range(span: tuple[V, V], show: Callable[[V], str] = str) -> str:
    low, high = map(show, span)
    return low if low == high else f"{low} to {high}"
