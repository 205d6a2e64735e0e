"""The `search` section: which proposer, and how much it may ask for. Defaults of `bohb` are HpBandSter's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nago_orchestrator.spec.objectives import ObjectiveName, read_objective_name
from nago_orchestrator.spec.scalars import Real, Whole
from nago_orchestrator.spec.section import Section

ALGORITHMS = ("bohb", "mobo", "mobohb", "phases", "random")


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


class RandomSection(Section):
    """Uniform draws, every one trained at the last fidelity: the baseline."""

    algorithm: Literal["random"]
    """Name of the proposer."""
    proposals: Annotated[Whole, Field(ge=1, le=1_000_000)]
    """How many thetas to draw."""


class MoboSection(Section):
    """Batches for the Pareto front, from a Bayesian network's beliefs about each objective (Ru et al., 2020)."""

    algorithm: Literal["mobo"]
    """Name of the proposer."""
    evaluations: Annotated[Whole, Field(ge=1, le=100_000)]
    """How many thetas to propose."""
    batch: Annotated[Whole, Field(ge=1, le=256)] = 8
    """Thetas that are proposed together, from the same beliefs."""
    fidelity: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Epochs of its trials, one of `fidelities`; by default the last."""
    acquisition: Literal["usemo", "ehvi"] = "usemo"
    """How a batch is chosen: the paper's way, or by the expected improvement of the hypervolume."""
    gain: Literal["expected-improvement", "confidence-bound", "thompson"] = "expected-improvement"
    """For `usemo`: what a candidate is worth for one objective."""
    surrogate: Literal["network", "gaussian-process"] = "network"
    """What is believed of each objective: the paper's Bayesian network, or a Gaussian process."""
    noise: Literal["heteroscedastic", "homoscedastic"] = "heteroscedastic"
    """For `network`: whether the spread of a generator's networks may depend on theta, or is the same everywhere."""
    learn: tuple[Annotated[ObjectiveName, BeforeValidator(read_objective_name)], ...] = ()
    """Of memory, parameters and flops: those to learn from evaluations though they are known before training."""


class MobohbSection(Section):
    """Hyperband brackets for several objectives: what no other beats is promoted, and densities learn from it."""

    algorithm: Literal["mobohb"]
    """Name of the proposer."""
    iterations: Annotated[Whole, Field(ge=1, le=100_000)]
    """Hyperband brackets to run."""


SinglePhase = Annotated[BohbSection | MoboSection | MobohbSection | RandomSection, Field(discriminator="algorithm")]


class PhasesSection(Section):
    """One search after another, each told what was found before."""

    algorithm: Literal["phases"]
    """Name of the proposer."""
    phases: Annotated[tuple[SinglePhase, ...], Field(min_length=1, max_length=10)]
    """The searches in their order, each as it would stand under `search` alone."""


SearchSection = Annotated[
    BohbSection | MoboSection | MobohbSection | PhasesSection | RandomSection, Field(discriminator="algorithm")
]


def phases_of(search: SearchSection) -> tuple[SinglePhase, ...]:
    """A search of one phase is its own."""
    return search.phases if isinstance(search, PhasesSection) else (search,)
