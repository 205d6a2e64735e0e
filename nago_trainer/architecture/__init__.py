"""Generator and plan of a network, in pure Python: theta -> architecture -> plan -> costs. No torch.

docs/generator.md explains it from end to end.
"""

from nago_trainer.architecture.architecture import Architecture, ArchitectureError, BottomGraph, Cell, Dag
from nago_trainer.architecture.generators.random_graphs import DisconnectedGraphError
from nago_trainer.architecture.generators.registry import (
    GENERATORS,
    Generator,
    Theta,
    canonical,
    generator_of,
    read_theta,
)
from nago_trainer.architecture.generators.rnag import RNAG_HYPERPARAMETERS, RnagTheta
from nago_trainer.architecture.generators.sample import sample_architecture
from nago_trainer.architecture.plan.assemble import build_plan, draw_blueprint
from nago_trainer.architecture.plan.cost import count_flops, count_parameters
from nago_trainer.architecture.plan.plan import Kind, Operation, Plan, TensorShape
from nago_trainer.architecture.plan.width import ParameterLimitError, fit_plan, largest_width
from nago_trainer.architecture.theta import HYPERPARAMETERS, HnagTheta, Hyperparameter, ThetaError

__all__ = [
    "GENERATORS",
    "HYPERPARAMETERS",
    "RNAG_HYPERPARAMETERS",
    "Architecture",
    "ArchitectureError",
    "BottomGraph",
    "Cell",
    "Dag",
    "DisconnectedGraphError",
    "Generator",
    "HnagTheta",
    "Hyperparameter",
    "Kind",
    "Operation",
    "ParameterLimitError",
    "Plan",
    "RnagTheta",
    "TensorShape",
    "Theta",
    "ThetaError",
    "build_plan",
    "canonical",
    "count_flops",
    "count_parameters",
    "draw_blueprint",
    "fit_plan",
    "generator_of",
    "largest_width",
    "read_theta",
    "sample_architecture",
]
