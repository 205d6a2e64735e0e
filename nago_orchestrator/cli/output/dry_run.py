"""submit --dry-run: the first Job, or the first task, as YAML, below what the study would cost, as comments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import typer
import yaml

from nago_orchestrator.formatting import quantities
from nago_orchestrator.formatting.counts import counted
from nago_orchestrator.services.preview import Cost, Preview, first_job, first_resources, preview_study, study_cost
from nago_orchestrator.services.training_configuration import study_recipe
from nago_orchestrator.spec import StudySpec


def show_plan(spec: StudySpec, now: datetime) -> None:
    """Stores nothing, and opens neither database nor cluster. Raises NagoError for what `submit` would refuse."""
    preview = preview_study(spec, study_recipe(spec))
    shown = yaml.safe_dump(_first(preview, now), sort_keys=False, default_flow_style=False, width=120)
    for line in (*cost_lines(spec, study_cost(spec)), *execution_lines(preview), *network_lines(preview)):
        typer.echo(f"# {line}")
    typer.echo(shown.rstrip())


def _first(preview: Preview, now: datetime) -> dict[str, Any]:
    if preview.spec.execution.where == "kubernetes":
        return first_job(preview, now)
    return preview.first_task().to_json()


def cost_lines(spec: StudySpec, cost: Cost) -> Iterator[str]:
    yield f"study {spec.name}, {spec.search.algorithm}, seed {spec.seed}: nothing is stored"
    by_fidelity = ", ".join(
        f"{count} of {counted(epochs, 'epoch')}" for epochs, count in cost.trials_by_fidelity.items()
    )
    yield f"{counted(cost.trials, 'trial')}, {counted(cost.epochs, 'epoch')} in total: {by_fidelity}"
    limits = spec.limits
    told = [
        counted(cost.most_trials, "trial") if cost.most_trials is not None else None,
        f"{quantities.number(limits.gpu_hours)} GPU-hours" if limits.gpu_hours is not None else None,
        quantities.duration(limits.wall_time) if limits.wall_time is not None else None,
    ]
    if any(told):
        yield f"limits: no new proposal after {' or '.join(text for text in told if text)}"


def execution_lines(preview: Preview) -> Iterator[str]:
    execution = preview.spec.execution
    if execution.where != "kubernetes" or execution.kubernetes is None:
        threads = counted(execution.threads, "thread")
        yield f"at most {counted(execution.parallelism, 'process')} at a time on this machine, each with {threads}"
        return

    resources = first_resources(preview)
    requests = [_range([found["requests"][name] for found in resources]) for name in ("cpu", "memory")]
    gpu = execution.kubernetes.gpu
    gpus = f"{gpu.count} {gpu.resource}, " if gpu.count else "no GPU, "
    source = "given" if execution.kubernetes.memory else "from the plan"
    yield (
        f"at most {counted(execution.parallelism, 'Job')} at a time, each with {gpus}{requests[0]} CPU, "
        f"{requests[1]} memory ({source}; limit {_range([found['limits']['memory'] for found in resources])})"
    )
    if gpu.count:
        yield f"at most {quantities.count(execution.parallelism * gpu.count)} {gpu.resource} at a time in total"


def network_lines(preview: Preview) -> Iterator[str]:
    trials = [trial for _, trial in preview.feasible]
    parameters = _span([trial.parameters for trial in trials], quantities.count)
    memory = _span([trial.bytes_per_sample or 0 for trial in trials], quantities.size)
    drawn = f"{counted(len(trials), 'network')} sampled for an estimate"
    yield f"{drawn}: {parameters} parameters, {memory} of memory per image in training"
    if len(trials) < len(preview.drawn):
        infeasible = len(preview.drawn) - len(trials)
        yield f"{infeasible} more could not be trained within the parameter limit"


def _span(values: list[int], show: Any) -> str:
    low, high = show(min(values)), show(max(values))
    return str(low) if low == high else f"{low} to {high}"


def _range(texts: list[str]) -> str:
    """Of Kubernetes quantities in one unit."""
    found = sorted(set(texts), key=lambda text: (len(text), text))
    return found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"
