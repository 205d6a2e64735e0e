"""The `search` section: which proposer, and how much it may ask for. Defaults of `bohb` are HpBandSter's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nago_orchestrator.spec.objectives import ObjectiveName, read_objective_name
from nago_orchestrator.spec.scalars import Real, Whole
from nago_orchestrator.spec.section import Section

ALGORITHMS = ("bohb", "random")


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


SearchSection = Annotated[BohbSection | RandomSection, Field(discriminator="algorithm")]
