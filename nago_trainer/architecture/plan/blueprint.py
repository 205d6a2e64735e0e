"""A plan whose channels are still symbols: built once for an architecture, realised for any width.

The parameter total as a function of the width is arithmetic on a few dozen terms, so the search for the largest
width (width.py) needs no further plan. `assemble.draw_blueprint` makes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from nago_trainer.architecture.plan.cost import has_parameters, operation_parameters
from nago_trainer.architecture.plan.plan import Operation, Plan, TensorShape

IMAGE, CLASSES, HEAD = "image", "classes", "head"
LARGEST_HEAD = 1280
HEAD_FACTOR = 4

Channels = tuple[str, ...]
"""A number of channels as a sum of symbols; more than one only behind a concatenation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRule:
    """What each symbol stands for at a width."""

    image: int
    classes: int
    ratios: Mapping[str, float]
    """Of the stages' symbols, relative to the widest stage in use."""
    last: str
    """Symbol of the last stage in use."""

    def channels(self, width: int) -> dict[str, int]:
        """Stage: max(1, round(width · ratio)). Head: 4 × the last stage's, at most 1280, so that a small network
        has a small head. No value falls when the width rises.
        """
        stages = {symbol: max(1, round(width * ratio)) for symbol, ratio in self.ratios.items()}
        head = min(LARGEST_HEAD, HEAD_FACTOR * stages[self.last])
        return {IMAGE: self.image, CLASSES: self.classes, HEAD: head, **stages}


@dataclass(frozen=True)
class Blueprint:
    """`Plan` with symbols for channels; indices and order of the operations are the plan's own."""

    operations: tuple[Operation, ...]
    channels: tuple[Channels, ...]
    """Of every tensor."""
    sizes: tuple[int, ...]
    """Of every tensor, in pixels."""
    rule: ChannelRule
    cell_inputs: tuple[int, ...]
    """Of each cell of the top graph: index of the tensor that enters it."""

    def realise(self, width: int) -> Plan:
        """The plan at this width, the number of channels of the widest stage. Raises ValueError below 1."""
        values = self._values(width)
        shapes = {
            pair: TensorShape(_total(pair[0], values), pair[1])
            for pair in set(zip(self.channels, self.sizes, strict=True))
        }
        tensors = tuple(shapes[pair] for pair in zip(self.channels, self.sizes, strict=True))
        return Plan(tensors, self.operations)

    def parameters(self, width: int) -> int:
        """Equal to `count_parameters(self.realise(width))`, in microseconds. Raises ValueError below 1."""
        values = self._values(width)
        return sum(
            count * operation_parameters(operation, _total(source, values), _total(target, values))
            for operation, source, target, count in self._terms
        )

    @cached_property
    def _terms(self) -> list[tuple[Operation, Channels, Channels, int]]:
        """Learnt operations that cost the same at every width, as one example and their number."""
        learnt = [operation for operation in self.operations if has_parameters(operation.kind)]
        keys = [
            (self.channels[item.inputs[0]], self.channels[item.output], item.kind, item.kernel, len(item.inputs))
            for item in learnt
        ]
        examples = dict(zip(keys, learnt, strict=True))
        return [(examples[key], *key[:2], count) for key, count in Counter(keys).items()]

    def _values(self, width: int) -> dict[str, int]:
        if width < 1:
            raise ValueError(f"the width is {width}, and must be at least 1")
        return self.rule.channels(width)


def _total(channels: Channels, values: Mapping[str, int]) -> int:
    return sum(values[symbol] for symbol in channels)
