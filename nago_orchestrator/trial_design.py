"""From a theta and seeds to a trial: its architecture, width and costs; then the task for its trainer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nago_orchestrator.domain import NewTrial, Theta, TrainingRecipe, TrialDesign
from nago_trainer.architecture import (
    Architecture,
    DisconnectedGraphError,
    HnagTheta,
    ParameterLimitError,
    TensorShape,
    count_flops,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.architecture.memory import bytes_per_sample
from nago_trainer.contract import CONTRACT_VERSION, TrialTask


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
    seeds = _Seeds(replicate, architecture_seed, training_seed)
    try:
        architecture = sample_architecture(HnagTheta.from_mapping(theta), architecture_seed, connected=connected)
    except DisconnectedGraphError as error:
        return seeds.trial(architecture=None, infeasible=str(error))
    image = TensorShape(recipe.dataset.channels, recipe.dataset.image_size)
    try:
        width, plan = fit_plan(architecture, image, recipe.dataset.classes, recipe.parameter_limit)
    except ParameterLimitError as error:
        return seeds.trial(architecture=architecture, infeasible=str(error), parameters=error.smallest)
    return replace(
        seeds.trial(architecture=architecture, infeasible=None, parameters=count_parameters(plan)),
        width=width,
        flops=count_flops(plan),
        bytes_per_sample=bytes_per_sample(plan),
    )


@dataclass(frozen=True, slots=True)
class _Seeds:
    replicate: int
    architecture_seed: int
    training_seed: int

    def trial(self, *, architecture: Architecture | None, infeasible: str | None, parameters: int = 0) -> NewTrial:
        return NewTrial(
            replicate=self.replicate,
            architecture=architecture.to_json() if architecture else {},
            architecture_hash=architecture.digest() if architecture else "",
            nodes=architecture.node_count if architecture else 0,
            width=None,
            parameters=parameters,
            flops=None,
            bytes_per_sample=None,
            architecture_seed=self.architecture_seed,
            training_seed=self.training_seed,
            infeasible=infeasible,
        )


def build_task(design: TrialDesign, recipe: TrainingRecipe, *, attempt: int, token: str) -> TrialTask:
    """Raises ValueError for a trial that is infeasible by design: it has no width and is never trained."""
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
        training=recipe.training,
        epochs=design.fidelity,
        seed=design.training_seed,
        threads=recipe.threads,
        device=recipe.device,
        keep_network=recipe.keep_network,
    )


def attempt_name(study: str, trial: int, attempt: int) -> str:
    """At most 52 characters for a study's longest name: a Job's name, with room for the suffix of its pod."""
    return f"{study}-t{trial:05d}-a{attempt}"
