"""Training in less memory: the backward pass computes again what `architecture.plan.kept` calls cheap.

A `Recomputation` belongs to one forward pass. Autograd hands it whatever it would keep for the gradients. It keeps the
outputs of convolutions and of pooling nodes, and of other tensors only the number. Asked for one of those, it carries
out the plan's operations again, which give the same bits; running statistics are left alone.

Autograd goes through the operations in the exact reverse of their order, since of those that are ready it takes the one
that was carried out last. So what is kept can go once the backward pass has left the first operation that has a use
for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nago_trainer.architecture.plan.kept import RECOMPUTED, first_users, kept_for
from nago_trainer.architecture.plan.plan import Kind, Plan


class _Recipe(NamedTuple):
    """How a tensor is computed again."""

    operation: int
    function: Callable[..., Tensor]
    inputs: tuple[int, ...]
    """Indices of values: the weights of a merge, then the tensors that it reads."""


class Recipes:
    """What all passes through one network share."""

    def __init__(self, plan: Plan, steps: Sequence[tuple[Callable[..., Tensor], tuple[int, ...]]]) -> None:
        """`steps`: of each operation, its function and the indices of the values that it is called with."""
        self.operations = plan.operations
        self.tensors = len(plan.tensors)
        self.of = {
            operation.output: _Recipe(number, _again(operation.kind, function), inputs)
            for number, (operation, (function, inputs)) in enumerate(zip(plan.operations, steps, strict=True))
            if operation.kind in RECOMPUTED
        }
        self.wanted = frozenset(tensor for operation in plan.operations for tensor in kept_for(operation))
        self.users: Mapping[int, int] = first_users(plan)


class _Promise(NamedTuple):
    """What autograd keeps in a tensor's place."""

    operation: int
    """Whose gradient wants it."""
    tensor: int


class Recomputation:
    def __init__(self, recipes: Recipes, values: Sequence[Any], device: str) -> None:
        """`values`: the image, room for the plan's other tensors, and the weights of the merges."""
        self._recipes = recipes
        self._operation = 0
        self._numbers: dict[int, int] = {}
        self._kept: dict[int, Tensor] = {0: values[0]}
        self._weights: list[Tensor] = [weight.detach() for weight in values[recipes.tensors :]]
        self._again: dict[int, tuple[int, Tensor]] = {}
        """Tensors that were computed again and are soon wanted: until which operation, and the tensor."""
        self._ends = sorted((user, tensor) for tensor, user in recipes.users.items())
        self._autocast = torch.autocast(
            device, torch.get_autocast_dtype(device), enabled=torch.is_autocast_enabled(device)
        )

    def begin(self, operation: int, values: Sequence[Any]) -> None:
        """From now on what the operation reads is known by its memory."""
        self._operation = operation
        self._numbers = {_memory(values[tensor]): tensor for tensor in self._recipes.operations[operation].inputs}

    def end(self, output: int, value: Tensor) -> None:
        if output in self._recipes.users:
            self._kept[output] = value.detach()

    def pack(self, saved: Tensor) -> Tensor | _Promise:
        operation = self._recipes.operations[self._operation]
        number = operation.output if operation.kind is Kind.RELU else self._numbers.get(_memory(saved))
        return saved if number is None else _Promise(self._operation, number)

    def unpack(self, packed: Tensor | _Promise) -> Tensor:
        if isinstance(packed, Tensor):
            return packed
        self._leave_behind(packed.operation)
        with torch.no_grad(), self._autocast:
            return self._value(packed.tensor, packed.operation)

    def _value(self, number: int, reader: int) -> Tensor:
        """`reader`: the operation that wants it, now or for computing its own output again."""
        if number >= self._recipes.tensors:
            return self._weights[number - self._recipes.tensors]
        recipe = self._recipes.of.get(number)
        if recipe is None:
            return self._origin(number)
        kind = self._recipes.operations[recipe.operation].kind
        until = recipe.operation if kind is Kind.RELU else reader  # a relu's own gradient wants its output, last of all
        if number in self._again:
            earlier, value = self._again[number]
        else:
            earlier, value = until, recipe.function(*[self._value(each, recipe.operation) for each in recipe.inputs])
        if number in self._recipes.wanted:
            self._again[number] = (min(earlier, until), value)
        return value

    def _origin(self, number: int) -> Tensor:
        if number not in self._kept:
            raise RuntimeError("a network that recomputes goes through one backward pass for each forward pass")
        return self._kept[number]

    def _leave_behind(self, operation: int) -> None:
        """Lets go of what only later operations have a use for: the backward pass is through with them."""
        while self._ends and self._ends[-1][0] > operation:
            self._kept.pop(self._ends.pop()[1], None)
        for number in [number for number, (until, _) in self._again.items() if until > operation]:
            del self._again[number]


def _again(kind: Kind, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Neither writes over its input nor counts the batch a second time."""
    if kind is Kind.RELU:
        return torch.relu  # also of an output that a relu has written over: it stays what it is
    return _Normalisation(function) if isinstance(function, nn.BatchNorm2d) else function


class _Normalisation:
    def __init__(self, layer: nn.BatchNorm2d) -> None:
        self._layer = layer

    def __call__(self, values: Tensor) -> Tensor:
        layer = self._layer
        return nn.functional.batch_norm(values, None, None, layer.weight, layer.bias, training=True, eps=layer.eps)


def _memory(value: Tensor) -> int:
    address: int = value.untyped_storage()._cdata
    return address
