"""A plan as a PyTorch network: the module carries out the plan's operations one after the other.

The trainer builds it, as does whoever loads a trained network. The plan is compiled once into plain tuples, for small
images on a CPU are dominated by Python's share per operation; a tensor is released after its last reader, and relu
writes over its input where `architecture.lifetimes` says that it may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import log, prod, sqrt
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own convention
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from nago_trainer.architecture.plan.lifetimes import last_readers, overwriting_relus
from nago_trainer.architecture.plan.plan import Kind, Operation, Plan
from nago_trainer.network.arithmetic import Arithmetic
from nago_trainer.network.drop_path import without_some
from nago_trainer.network.merges import AttentionSum, Mean, WeightedSum
from nago_trainer.network.recompute import Recipes, Recomputation

USUAL = Arithmetic()


class _Step(NamedTuple):
    """One operation over the list of values: indices of what it reads, writes and releases."""

    function: Callable[..., Tensor]
    inputs: tuple[int, ...]
    output: int
    released: tuple[int, ...]


class _Convolution(nn.Conv2d):
    def reset_parameters(self) -> None:
        """Left to `initialise`, which draws from a given generator."""


class _Classifier(nn.Linear):
    def reset_parameters(self) -> None:
        """Left to `initialise`, which draws from a given generator."""


class PlannedNetwork(nn.Module):
    """The network of a plan: images [B, channels, size, size] -> logits [B, classes].

    Convolutions, batch normalisations and the classifier are submodules in `layers`, named by the number of their
    operation. The gates of all weighted sums are one parameter, and so are the vectors of all attention sums: a
    thousand single numbers would cost an optimiser more than the rest of the network.
    """

    def __init__(self, plan: Plan, dropout: float, arithmetic: Arithmetic = USUAL) -> None:
        super().__init__()
        self.plan = plan
        self.arithmetic = arithmetic
        self.drop_path = 0.0
        """Probability, which the training changes, that an input of a weighted sum is left out in a step."""
        self.gate_counts = [len(each.inputs) for each in plan.operations if each.kind is Kind.WEIGHTED_SUM]
        self.query_shapes = [
            (len(each.inputs), plan.tensors[each.output].channels)
            for each in plan.operations
            if each.kind is Kind.ATTENTION_SUM
        ]
        self.gates = _parameter(sum(self.gate_counts))
        self.queries = _parameter(sum(map(prod, self.query_shapes)))
        made = ((number, _layer(plan, each, dropout)) for number, each in enumerate(plan.operations))
        layers = {number: layer for number, layer in made if layer is not None}
        self.layers = nn.ModuleDict({str(number): layer for number, layer in layers.items()})
        self._steps = tuple(_compile(plan, layers, arithmetic.layout))
        self._recipes = (
            Recipes(plan, [(step.function, step.inputs) for step in self._steps]) if arithmetic.recompute else None
        )

    def forward(self, images: Tensor) -> Tensor:
        """The logits are fp32 whatever the precision."""
        mixed = self.arithmetic.mixed
        if mixed is None:
            return self._forward(images)
        with torch.autocast(images.device.type, mixed):
            return self._forward(images).float()

    def _forward(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=self.arithmetic.layout)
        values: list[Any] = [images, *[None] * (len(self.plan.tensors) - 1), *self._merge_weights()]
        if self._recipes and self.training and torch.is_grad_enabled():
            return self._forward_keeping_less(Recomputation(self._recipes, values, images.device.type), values)
        for function, inputs, output, released in self._steps:
            values[output] = function(*[values[index] for index in inputs])
            for index in released:
                values[index] = None
        logits: Tensor = values[self._steps[-1].output]
        return logits

    def _forward_keeping_less(self, recomputation: Recomputation, values: list[Any]) -> Tensor:
        with saved_tensors_hooks(recomputation.pack, recomputation.unpack):
            for number, (function, inputs, output, released) in enumerate(self._steps):
                recomputation.begin(number, values)
                values[output] = function(*[values[index] for index in inputs])
                recomputation.end(output, values[output])
                for index in released:
                    values[index] = None
        logits: Tensor = values[self._steps[-1].output]
        return logits

    def _merge_weights(self) -> list[Tensor]:
        """The weight of every input of every weighted sum, found at once, then the vectors of each attention sum."""
        weights: list[Tensor] = []
        if self.gates is not None:
            gates = self.gates.sigmoid()
            if self.training and self.drop_path:
                gates = without_some(gates, self.gate_counts, self.drop_path)
            weights.extend(gates.unbind(0))
        if self.queries is not None:
            parts = torch.split_with_sizes(self.queries, [prod(shape) for shape in self.query_shapes])
            weights.extend(part.view(shape) for part, shape in zip(parts, self.query_shapes, strict=True))
        return weights


def set_drop_path(network: nn.Module, rate: float) -> None:
    """Of the planned networks in it."""
    for module in network.modules():
        if isinstance(module, PlannedNetwork):
            module.drop_path = rate


def set_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Of a file, whose dictionary does not carry the versions of the layers. Raises RuntimeError if one is missing."""
    entries = network.state_dict()  # torch's own kind of dictionary, which does
    entries.clear()
    entries.update(weights)
    network.load_state_dict(entries)


def build_network(
    plan: Plan,
    dropout: float = 0.0,
    *,
    generator: torch.Generator | None = None,
    arithmetic: Arithmetic = USUAL,
) -> PlannedNetwork:
    """The plan's network on the CPU, in training mode, freshly initialised.

    Args:
        dropout: rate of the plan's dropout operations, in [0, 1]; 0 leaves them out.
        generator: source of the initial weights; PyTorch's own if it is None.
    """
    network = PlannedNetwork(plan, dropout, arithmetic)
    initialise(network, generator)
    for layer in network.layers.values():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=arithmetic.layout)
    return network


@torch.no_grad()
def initialise(network: PlannedNetwork, generator: torch.Generator | None) -> None:
    """Draws every parameter anew, in the order of the plan, and resets the running statistics.

    All starts keep the size of the activations, for some paths through a network have no batch norm. Convolutions:
    normal with variance 2 / fan-in behind a relu (He et al. 2015, eq. 10), else 1 / fan-in; the classifier as the
    latter, without bias. Both merges start as the mean of their N inputs: gates at logit(1 / N), from where they can
    move either way and learn fast, attention vectors at 0.
    """
    rectified = {operation.output for operation in network.plan.operations if operation.kind is Kind.RELU}
    for number, layer in network.layers.items():
        gain = 2 if network.plan.operations[int(number)].inputs[0] in rectified else 1
        if isinstance(layer, nn.Conv2d):
            layer.weight.normal_(0.0, sqrt(gain / layer.weight[0].numel()), generator=generator)
        elif isinstance(layer, nn.Linear):
            layer.weight.normal_(0.0, sqrt(1 / layer.in_features), generator=generator)
            layer.bias.zero_()
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
            nn.init.zeros_(layer.running_mean)  # type: ignore[arg-type]  # None only if it tracked no statistics
            nn.init.ones_(layer.running_var)  # type: ignore[arg-type]  # as above
    if network.gates is not None:
        starts = [-log(max(count - 1, 1)) for count in network.gate_counts for _ in range(count)]
        network.gates.copy_(torch.tensor(starts))
    if network.queries is not None:
        network.queries.zero_()


def _compile(plan: Plan, layers: Mapping[int, nn.Module], layout: torch.memory_format) -> Iterator[_Step]:
    overwriting = overwriting_relus(plan)
    released = last_readers(plan)
    merge_slots = _merge_slots(plan)
    for number, operation in enumerate(plan.operations):
        function = layers[number] if number in layers else _function(plan, operation, number in overwriting)
        if operation.inputs == (0,):  # an image of one channel has both layouts, and torch then takes the usual one
            function = partial(_laid_out, function, layout is torch.channels_last)
        inputs = (*merge_slots.get(number, ()), *operation.inputs)
        yield _Step(function, inputs, operation.output, released[number])


def _laid_out(function: Callable[..., Tensor], channels_last: bool, *inputs: Tensor) -> Tensor:
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return function(*inputs).contiguous(memory_format=layout)


def _merge_slots(plan: Plan) -> dict[int, range]:
    """Where each merge finds its learnt weights among the values: behind all tensors, in `_merge_weights`' order."""
    slots: dict[int, range] = {}
    end = len(plan.tensors)
    for kind in (Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM):
        for number, operation in enumerate(plan.operations):
            if operation.kind is kind:
                size = len(operation.inputs) if kind is Kind.WEIGHTED_SUM else 1
                slots[number] = range(end, end + size)
                end += size
    return slots


def _parameter(count: int) -> nn.Parameter | None:
    return nn.Parameter(torch.empty(count)) if count else None


def _layer(plan: Plan, operation: Operation, dropout: float) -> nn.Module | None:
    """The submodule of an operation that learns or that differs between training and evaluation; None for others."""
    inputs, outputs = plan.tensors[operation.inputs[0]].channels, plan.tensors[operation.output].channels
    if operation.kind is Kind.CONV:
        k, stride = operation.kernel, operation.stride
        return _Convolution(inputs, outputs, k, stride=stride, padding=k // 2, bias=False)
    if operation.kind is Kind.BATCH_NORM:
        norm = nn.BatchNorm2d(outputs)
        norm.num_batches_tracked = None  # only needed without a momentum, and costs an operation per layer and step
        return norm
    if operation.kind is Kind.LINEAR:
        return _Classifier(inputs, outputs)
    return nn.Dropout(dropout) if operation.kind is Kind.DROPOUT and dropout else None


def _function(plan: Plan, operation: Operation, overwrite: bool) -> Callable[..., Tensor]:
    """What an operation without a submodule calls."""
    if operation.kind is Kind.RELU:
        return torch.relu_ if overwrite else torch.relu
    if operation.kind is Kind.AVERAGE_POOL:
        k = operation.kernel
        return partial(F.avg_pool2d, kernel_size=k, stride=1, padding=k // 2, count_include_pad=False)
    if operation.kind is Kind.DOWNSAMPLE:
        return _downsample(plan.tensors[operation.inputs[0]].size, plan.tensors[operation.output].size)
    return _FUNCTIONS[operation.kind]


def _downsample(size: int, target: int) -> Callable[..., Tensor]:
    """Adaptive average pooling; plain where all windows are equal: only its gradient is deterministic on GPUs."""
    if size % target == 0:
        return partial(F.avg_pool2d, kernel_size=size // target)
    return partial(F.adaptive_avg_pool2d, output_size=target)


def _concatenate(*inputs: Tensor) -> Tensor:
    return torch.cat(inputs, dim=1)


def _identity(values: Tensor) -> Tensor:
    return values


_FUNCTIONS: dict[Kind, Callable[..., Tensor]] = {
    Kind.WEIGHTED_SUM: WeightedSum.apply,
    Kind.ATTENTION_SUM: AttentionSum.apply,
    Kind.MEAN: Mean.apply,
    Kind.CONCAT: _concatenate,
    Kind.GLOBAL_POOL: partial(torch.mean, dim=(2, 3)),
    Kind.DROPOUT: _identity,
}
