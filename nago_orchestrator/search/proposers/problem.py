"""What a proposer is given beside its own section of the study file."""

from __future__ import annotations

from dataclasses import dataclass

from nago_orchestrator.domain.objectives import Objective
from nago_orchestrator.domain.space import SearchSpace
from nago_orchestrator.domain.trials import TrainingRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    space: SearchSpace
    seed: int
    fidelities: tuple[int, ...]
    objectives: tuple[Objective, ...]
    recipe: TrainingRecipe
    """Decides what networks cost, which some objectives are."""
