"""What a search space holds: figures over draws of theta, each with one architecture sized as for a trial. Pure.

Draw i has the theta that random search with the same seed proposes as number i, and that proposal's first architecture.
Called by `nago-orch space`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import numpy as np

from nago_orchestrator.domain import seeds
from nago_orchestrator.domain.generator_key import GeneratorKey, generator_key
from nago_orchestrator.domain.proposals import Theta
from nago_orchestrator.domain.space import IntegerRange, SearchSpace
from nago_orchestrator.domain.trial_design import Size, Sizing, size_network
from nago_trainer.architecture import DisconnectedGraphError, canonical, read_theta, sample_architecture

QUANTITIES = ("nodes", "parameters", "flops", "bytes_per_sample", "width")
"""Of a draw; what is infeasible counts in none."""
SHARES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}
"""Names of the quantiles that sum a quantity up."""


class Obstacle(StrEnum):
    """Why a draw cannot be trained."""

    LIMIT = "parameter limit out of reach"
    MEMORY = "smallest batch does not fit into trainer.memory"
    DISCONNECTED = "no connected graph"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceDraw:
    number: int
    theta: Theta
    canonical_theta: Theta
    architecture_hash: str
    """Empty where no connected graph came up."""
    nodes: int
    width: int | None
    parameters: int
    flops: int | None
    bytes_per_sample: int | None
    obstacle: Obstacle | None

    def value(self, quantity: str) -> int:
        """Of a feasible draw; `quantity` is one of QUANTITIES."""
        return int(getattr(self, quantity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A hyperparameter whose value does not mean what it says, in a share of the draws."""

    name: str
    why: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSurvey:
    space: SearchSpace
    sizing: Sizing
    seed: int
    draws: tuple[SpaceDraw, ...]

    @property
    def feasible(self) -> tuple[SpaceDraw, ...]:
        return tuple(draw for draw in self.draws if draw.obstacle is None)

    @property
    def obstacles(self) -> Mapping[Obstacle, int]:
        """How many draws each of them hinders; those that hinder none are left out."""
        return Counter(draw.obstacle for draw in self.draws if draw.obstacle is not None)

    @property
    def different_thetas(self) -> int:
        """Canonical forms among the draws."""
        return len(_canonical_counts(self.draws))

    @property
    def shared_thetas(self) -> int:
        """Draws whose canonical form another draw has, too."""
        return sum(count for count in _canonical_counts(self.draws).values() if count > 1)

    @property
    def different_architectures(self) -> int:
        return len({draw.architecture_hash for draw in self.draws if draw.architecture_hash})

    def quantiles(self, quantity: str) -> dict[str, float]:
        """By the names of SHARES, over the feasible draws (linear interpolation); empty without any."""
        values = [draw.value(quantity) for draw in self.feasible]
        if not values:
            return {}
        found = np.quantile(np.array(values, dtype=float), list(SHARES.values()))
        return dict(zip(SHARES, found.tolist(), strict=True))


def survey_space(
    space: SearchSpace, sizing: Sizing, *, draws: int, seed: int, on_progress: Callable[[int], None]
) -> SpaceSurvey:
    """`on_progress` is called after each draw with the number of those done. Raises ThetaError for an illegal draw."""
    made = []
    for number in range(draws):
        made.append(draw_once(space, sizing, seed, number))
        on_progress(number + 1)
    return SpaceSurvey(space=space, sizing=sizing, seed=seed, draws=tuple(made))


def draw_once(space: SearchSpace, sizing: Sizing, seed: int, number: int) -> SpaceDraw:
    """The draw `number` of a seed, whatever was drawn before."""
    theta = space.sample(np.random.Generator(np.random.PCG64(seeds.proposal(seed, number))))
    architecture_seed = seeds.architecture(seed, number, 0)
    digest, nodes, size = "", 0, Size()
    try:
        architecture = sample_architecture(read_theta(theta), architecture_seed, connected=space.connected)
    except DisconnectedGraphError:
        pass
    else:
        digest, nodes = architecture.digest(), architecture.node_count
        size = size_network(architecture, sizing)
    return SpaceDraw(
        number=number,
        theta=theta,
        canonical_theta=canonical(theta),
        architecture_hash=digest,
        nodes=nodes,
        width=size.width,
        parameters=size.parameters,
        flops=size.flops,
        bytes_per_sample=size.bytes_per_sample,
        obstacle=_obstacle(size) if digest else Obstacle.DISCONNECTED,
    )


def _obstacle(size: Size) -> Obstacle | None:
    if size.infeasible is None:
        return None
    return Obstacle.LIMIT if size.width is None else Obstacle.MEMORY


def whole_number_settings(space: SearchSpace) -> tuple[int, int]:
    """How many combinations of nodes and k the ranges allow, and how many of them mean different graphs.

    A graph's canonical nodes and k depend on no other graph, so that the numbers of the graphs multiply.
    """
    choices = _whole_numbers(space)
    base = space.theta({dimension.name: dimension.high for dimension in space.dimensions})
    counted = [_graph_settings(base, choices, graph) for graph in _graphs(choices)]
    return math.prod(total for total, _ in counted), math.prod(different for _, different in counted)


def aliases(survey: SpaceSurvey) -> tuple[Alias, ...]:
    """In the generator's order; those that no draw shows are left out."""
    counts = Counter(found for draw in survey.draws for found in _aliases_of(draw))
    order = [item.name for item in survey.space.hyperparameters]
    found = sorted(counts, key=lambda item: (order.index(item[0]), item[1]))
    return tuple(Alias(name=name, why=why, share=counts[name, why] / len(survey.draws)) for name, why in found)


def _canonical_counts(draws: Sequence[SpaceDraw]) -> Counter[GeneratorKey]:
    return Counter(generator_key(draw.canonical_theta) for draw in draws)


def _whole_numbers(space: SearchSpace) -> dict[str, range]:
    ranges = {item.name: range(item.low, item.high + 1) for item in space.dimensions if isinstance(item, IntegerRange)}
    fixed = {item.name: int(space.fixed[item.name]) for item in space.hyperparameters if item.name in space.fixed}
    return {
        item.name: ranges.get(item.name) or range(fixed[item.name], fixed[item.name] + 1)
        for item in space.hyperparameters
        if item.kind == "int"
    }


def _graphs(names: Mapping[str, object]) -> list[str]:
    return [name.removesuffix("_nodes") for name in names if name.endswith("_nodes")]


def _graph_settings(base: Theta, choices: Mapping[str, range], graph: str) -> tuple[int, int]:
    names = [name for name in choices if name in (f"{graph}_nodes", f"{graph}_k")]
    settings = list(product(*(choices[name] for name in names)))
    agreed = (canonical({**base, **dict(zip(names, setting, strict=True))}) for setting in settings)
    return len(settings), len({tuple(theta[name] for name in names) for theta in agreed})


def _aliases_of(draw: SpaceDraw) -> Iterator[tuple[str, str]]:
    theta = draw.theta
    for graph in _graphs(theta):
        nodes, k, p = (theta.get(f"{graph}_{part}") for part in ("nodes", "k", "p"))
        if nodes is not None and k is not None and k > nodes - 1:
            yield f"{graph}_k", "larger than the number of other nodes: reduced to it"
        if nodes is not None and k is not None and nodes > 2 and min(k, nodes - 1) % 2:
            yield f"{graph}_k", "odd: reduced by one"
        if p != draw.canonical_theta[f"{graph}_p"]:
            yield f"{graph}_p", "no effect: only one such graph exists"
