"""The `search` section: which proposer, and how much it may ask for. Defaults of `bohb` are HpBandSter's."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AliasChoices, BeforeValidator, Field, ValidationInfo, field_validator

from nago_orchestrator.spec.objectives import ObjectiveName, read_objective_name
from nago_orchestrator.spec.older import renamed_from
from nago_orchestrator.spec.scalars import Real, Switch, Whole, known_word, wrong
from nago_orchestrator.spec.section import Section, is_study_file

ALGORITHMS = ("bohb", "ehvi", "mobo", "mobohb", "phases", "random")

AcquisitionName = Literal["expected-improvement", "confidence-bound", "thompson"]
UncertaintyName = Literal["epistemic", "total"]
SurrogateName = Literal["network", "gaussian-process"]
NoiseName = Literal["heteroscedastic", "homoscedastic"]
Continues = Annotated[Switch, Field(validation_alias=AliasChoices("continue", "continues"))]
"""The key `continue` is a word of Python's own."""


class BohbSection(Section):
    """Hyperband brackets whose new points come from kernel density estimates (Falkner et al., 2018)."""

    algorithm: Literal["bohb"]
    """Name of the proposer."""
    iterations: Annotated[Whole, Field(ge=1, le=100_000)]
    """Hyperband brackets to run, one after another in HpBandSter's order (its `n_iterations`)."""
    objective: Annotated[ObjectiveName | None, BeforeValidator(lambda name: name and read_objective_name(name))] = None
    """The one objective that is optimised; by default the first of `objectives`."""
    min_points_in_model: Annotated[Whole, Field(ge=2, le=100_000)] | None = None
    """Evaluations at one fidelity before the model proposes; by default the searched dimensions plus one."""
    top_n_percent: Annotated[Whole, Field(ge=1, le=99)] = 15
    """Percentage of the evaluations that count as good."""
    num_samples: Annotated[Whole, Field(ge=1, le=100_000)] = 64
    """Candidates drawn from the model for each proposal."""
    random_fraction: Annotated[Real, Field(ge=0, le=1)] = 1 / 3
    """Share of proposals that are drawn at random without asking the model."""
    bandwidth_factor: Annotated[Real, Field(gt=0, le=1000)] = 3.0
    """Widens the kernels when candidates are drawn, for diversity."""
    min_bandwidth: Annotated[Real, Field(gt=0, le=1)] = 1e-3
    """Smallest kernel width, in the unit cube."""
    continues: Continues = False
    """Whether a promotion goes on with the same networks, from their checkpoints, instead of training new ones. The
    learning rate then falls over the last of `fidelities`, and each rung is a part of that run."""


class RandomSection(Section):
    """Uniform draws, every one trained at the last fidelity: the baseline."""

    algorithm: Literal["random"]
    """Name of the proposer."""
    proposals: Annotated[Whole, Field(ge=1, le=1_000_000)]
    """How many thetas to draw."""


class BatchSection(Section):
    """What the searches by batches have in common."""

    algorithm: str
    """Name of the proposer."""
    evaluations: Annotated[Whole, Field(ge=1, le=100_000)]
    """How many thetas to propose."""
    batch: Annotated[Whole, Field(ge=1, le=256)] = 8
    """Thetas that are proposed together, from the same surrogate fit."""
    initial: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Thetas that are spread over the space before there is a model; by default twice the searched dimensions and two.
    """
    fidelity: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Epochs of its trials, one of `fidelities`; by default the last."""
    learn: tuple[Annotated[ObjectiveName, BeforeValidator(read_objective_name)], ...] = ()
    """Of memory, parameters and flops: those to learn from evaluations though they are known before training."""


class MoboSection(BatchSection):
    """Batches for the Pareto front, from the posterior of a Bayesian network for each objective (Ru et al., 2020)."""

    algorithm: Literal["mobo"]
    """Name of the proposer."""
    acquisition: Annotated[
        AcquisitionName,
        BeforeValidator(known_word("acquisition", get_args(AcquisitionName))),
        renamed_from("gain", to="acquisition"),
    ] = "expected-improvement"
    """The acquisition function of one objective."""
    uncertainty: Annotated[UncertaintyName, BeforeValidator(known_word("uncertainty", get_args(UncertaintyName)))] = (
        "epistemic"
    )
    """The variance that the acquisition uses: of the mean alone, or with the noise of a single evaluation."""
    surrogate: Annotated[SurrogateName, BeforeValidator(known_word("surrogate", get_args(SurrogateName)))] = "network"
    """The surrogate of each objective: the paper's Bayesian network, or a Gaussian process."""
    noise: Annotated[NoiseName, BeforeValidator(known_word("noise", get_args(NoiseName)))] = "heteroscedastic"
    """For `network`: whether the spread of a generator's networks may depend on theta, or is the same everywhere."""

    @field_validator("noise", mode="after")
    @classmethod
    def _noise_is_for_networks(cls, noise: NoiseName, info: ValidationInfo) -> NoiseName:
        if is_study_file(info) and info.data.get("surrogate") == "gaussian-process":
            raise wrong("has no effect for the surrogate gaussian-process, only for network", do="remove the key")
        return noise


class EhviSection(BatchSection):
    """Batches by the expected improvement of the front's hypervolume, on a Gaussian process for each objective."""

    algorithm: Literal["ehvi"]
    """Name of the proposer."""


class MobohbSection(Section):
    """Hyperband brackets for several objectives: what no other beats is promoted, and densities learn from it."""

    algorithm: Literal["mobohb"]
    """Name of the proposer."""
    iterations: Annotated[Whole, Field(ge=1, le=100_000)]
    """Hyperband brackets to run."""
    continues: Continues = False
    """Whether a promotion goes on with the same networks, from their checkpoints, instead of training new ones. The
    learning rate then falls over the last of `fidelities`, and each rung is a part of that run."""


SinglePhase = Annotated[
    BohbSection | EhviSection | MoboSection | MobohbSection | RandomSection, Field(discriminator="algorithm")
]


class PhasesSection(Section):
    """One search after another, each told what was found before."""

    algorithm: Literal["phases"]
    """Name of the proposer."""
    phases: Annotated[tuple[SinglePhase, ...], Field(min_length=1, max_length=10)]
    """The searches in their order, each as it would stand under `search` alone."""


SearchSection = Annotated[
    BohbSection | EhviSection | MoboSection | MobohbSection | PhasesSection | RandomSection,
    Field(discriminator="algorithm"),
]


def phases_of(search: SearchSection) -> tuple[SinglePhase, ...]:
    """A search of one phase is its own."""
    return search.phases if isinstance(search, PhasesSection) else (search,)


def learns(search: SearchSection) -> bool:
    """Whether what was found before decides what is proposed next, in any phase."""
    return not all(isinstance(phase, RandomSection) for phase in phases_of(search))


def continues(search: SearchSection) -> bool:
    """Whether promotions go on with the same networks, in any phase."""
    return any(phase.continues for phase in phases_of(search) if isinstance(phase, BohbSection | MobohbSection))
