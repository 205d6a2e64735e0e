"""From a theta and seeds to a trial: its architecture, width and costs; then the task for its trainer. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Self

from nago_orchestrator.domain.device_memory import MemoryLimit, largest_batch, training_bytes
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.trials import NewTrial, TrainingRecipe, TrialDesign
from nago_orchestrator.formatting.quantities import size as in_units
from nago_trainer.architecture import (
    Architecture,
    DisconnectedGraphError,
    ParameterLimitError,
    TensorShape,
    count_flops,
    count_parameters,
    fit_plan,
    read_theta,
    sample_architecture,
)
from nago_trainer.architecture.plan.memory import bytes_per_sample
from nago_trainer.contract.learning_rate import with_images_at_once
from nago_trainer.contract.task import CONTRACT_VERSION, TrainingSettings, TrialTask


def design_trial(
    theta: Theta,
    recipe: TrainingRecipe,
    *,
    connected: bool,
    replicate: int,
    architecture_seed: int,
    training_seed: int,
) -> NewTrial:
    """A sampled architecture at the largest width within the limit.

    A limit out of reach, or no connected graph within its tries, gives a trial that is infeasible from the start.
    """
    architecture: Architecture | None = None
    try:
        architecture = sample_architecture(read_theta(theta), architecture_seed, connected=connected)
        size = size_network(architecture, Sizing.of(recipe))
    except DisconnectedGraphError as error:
        size = Size(infeasible=str(error))
    return NewTrial(
        replicate=replicate,
        architecture=architecture.to_json() if architecture else {},
        architecture_hash=architecture.digest() if architecture else "",
        nodes=architecture.node_count if architecture else 0,
        architecture_seed=architecture_seed,
        training_seed=training_seed,
        **asdict(size),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What a network is for, and what it may cost."""

    image: TensorShape
    classes: int
    parameter_limit: int
    memory: MemoryLimit | None = None

    @classmethod
    def of(cls, recipe: TrainingRecipe) -> Self:
        """Of a study's networks."""
        return cls(
            image=TensorShape(recipe.dataset.channels, recipe.dataset.image_size),
            classes=recipe.dataset.classes,
            parameter_limit=recipe.parameter_limit,
            memory=None if recipe.memory is None else MemoryLimit(bytes=recipe.memory, training=recipe.training),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The largest network of an architecture within a parameter limit, and what it costs."""

    width: int | None = None
    """None where even width 1 exceeds the limit; so are FLOPs and memory per sample then, but not where the study's
    memory is too small."""
    parameters: int = 0
    """Where the limit is out of reach: the smallest possible total."""
    flops: int | None = None
    bytes_per_sample: int | None = None
    infeasible: str | None = None
    """Why there is none, in one sentence."""


def size_network(architecture: Architecture, sizing: Sizing) -> Size:
    try:
        width, plan = fit_plan(architecture, sizing.image, sizing.classes, sizing.parameter_limit)
    except ParameterLimitError as error:
        return Size(parameters=error.smallest, infeasible=str(error))
    parameters, needed = count_parameters(plan), bytes_per_sample(plan)
    return Size(
        width=width,
        parameters=parameters,
        flops=count_flops(plan),
        bytes_per_sample=needed,
        infeasible=_memory_problem(sizing.memory, needed, parameters),
    )


def _memory_problem(memory: MemoryLimit | None, needed_per_sample: int, parameters: int) -> str | None:
    """Where not even the smallest batch fits."""
    if memory is None:
        return None
    smallest = memory.training.smallest_batch_size
    if largest_batch(memory.training, memory.bytes, needed_per_sample, parameters) >= smallest:
        return None
    needed = in_units(training_bytes(memory.training, smallest, needed_per_sample, parameters))
    return f"a batch of {smallest} needs {needed}, more than trainer.memory ({in_units(memory.bytes)})"


def build_task(
    design: TrialDesign,
    recipe: TrainingRecipe,
    *,
    attempt: int,
    token: str,
    measures: tuple[str, ...] = (),
    unneeded: tuple[int, ...] = (),
) -> TrialTask:
    """Raises ValueError for a trial that is infeasible by design: it has no width and is never trained.

    `measures`: fields of a result that the study optimises and older trainers do not report. `unneeded`: trials whose
    checkpoints nothing goes on from any more.
    """
    if design.width is None:
        raise ValueError(f"trial {design.number} has no width")
    return TrialTask(
        version=CONTRACT_VERSION,
        study=design.study,
        trial=design.number,
        attempt=attempt,
        token=token,
        architecture=design.architecture,
        width=design.width,
        parameters=design.parameters,
        parameter_limit=recipe.parameter_limit,
        dataset=recipe.dataset,
        training=replace(_training(design, recipe), measures=measures),
        epochs=design.fidelity,
        seed=design.training_seed,
        threads=recipe.threads,
        device=recipe.device,
        keep_network=recipe.keep_network,
        run_of=design.run_of,
        continues=design.continued_from,
        unneeded=unneeded,
    )


def _training(design: TrialDesign, recipe: TrainingRecipe) -> TrainingSettings:
    """With the largest batch that fits into the study's memory. A trial for which not even the smallest fits is
    infeasible by design and gets no task."""
    if recipe.memory is None or design.bytes_per_sample is None:
        return recipe.training
    fitting = largest_batch(recipe.training, recipe.memory, design.bytes_per_sample, design.parameters)
    # Final training may have a batch below the smallest of the search.
    tried = min(recipe.training.batch_size, max(fitting, recipe.training.smallest_batch_size))
    return with_images_at_once(recipe.training, tried)


def attempt_name(study: str, trial: int, attempt: int) -> str:
    """At most 52 characters for a study's longest name: a Job's name, with room for the suffix of its pod."""
    return f"{study}-t{trial:05d}-a{attempt}"
