"""DropPath: in training, inputs of weighted sums are left out at random.

Larsson et al., FractalNet, 2017, here for the edges of a random graph: one draw for each edge and step, for all images
of the batch. The weights of the others grow in return, so that the sum is the same on average. The only input of a sum
stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def without_some(weights: Tensor, input_counts: Sequence[int], rate: float) -> Tensor:
    """`weights` of all inputs of all sums, in a row; `input_counts` of each sum. Draws as dropout does."""
    several = torch.tensor([count > 1 for count in input_counts for _ in range(count)], device=weights.device)
    left_out = (torch.rand_like(weights) < rate) & several
    return torch.where(several, weights / (1 - rate), weights).masked_fill(left_out, 0)
