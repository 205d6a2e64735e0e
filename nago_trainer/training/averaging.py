"""The exponential moving average of a network's weights, which is evaluated and kept in the place of the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Values = dict[str, Tensor]
"""Parameters and running statistics by name."""


class WeightAverage:
    """Of parameters and running statistics alike."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.values = copied_values(network)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, steps: int) -> None:
        """After so many steps; at first it follows the network quickly, whose first weights are of no use."""
        share = 1 - min(self._decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(list(self.values.values()), list(values_of(network).values()), share)

    @contextmanager
    def in_place_of(self, network: nn.Module) -> Iterator[None]:
        """The network has the average's weights inside, and its own again afterwards."""
        own = copied_values(network)
        self.copy_to(network)
        try:
            yield
        finally:
            set_values(network, own)

    def copy_to(self, network: nn.Module) -> None:
        set_values(network, self.values)


def copied_values(network: nn.Module) -> Values:
    return {name: value.clone() for name, value in values_of(network).items()}


def values_of(network: nn.Module) -> Values:
    return {name: value.detach() for name, value in network.state_dict().items() if value.is_floating_point()}


@torch.no_grad()
def set_values(network: nn.Module, values: Values) -> None:
    for name, value in values_of(network).items():
        value.copy_(values[name])
