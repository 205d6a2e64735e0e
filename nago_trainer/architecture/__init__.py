"""Generator and plan of a network, in pure Python: theta -> architecture -> plan -> costs. No torch.

docs/generator.md explains it from end to end.
"""

from nago_trainer.architecture.architecture import Architecture, ArchitectureError, BottomGraph, Cell, Dag
from nago_trainer.architecture.assemble import build_plan, draw_blueprint
from nago_trainer.architecture.cost import count_flops, count_parameters
from nago_trainer.architecture.generators import GENERATORS, Generator, Theta, canonical, generator_of, read_theta
from nago_trainer.architecture.plan import Kind, Operation, Plan, TensorShape
from nago_trainer.architecture.random_graphs import DisconnectedGraphError
from nago_trainer.architecture.rnag import RNAG_HYPERPARAMETERS, RnagTheta
from nago_trainer.architecture.sample import sample_architecture
from nago_trainer.architecture.theta import HYPERPARAMETERS, HnagTheta, Hyperparameter, ThetaError
from nago_trainer.architecture.width import ParameterLimitError, fit_plan, largest_width

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
