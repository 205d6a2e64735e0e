"""The three ways in which several feature maps become one, as autograd functions that keep nothing but their inputs.

Written with ordinary operations, autograd would keep every scaled copy or make temporary ones in the backward pass.
Here the forward pass has one output and adds in place; the backward pass finds the weights' gradients by inner
products, without a temporary tensor. `network` calls these; inputs are [B, C, H, W], in mixed precision of fewer bits
than the learnt weights, and so are output and gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class WeightedSum(Function):
    """Σᵢ wᵢ xᵢ with one scalar per input: apply(w₁, …, w_N, x₁, …, x_N) -> [B, C, H, W]."""

    @staticmethod
    def forward(ctx: Any, *arguments: Tensor) -> Tensor:
        ctx.save_for_backward(*arguments)
        weights, inputs = _halves(arguments)
        return _scaled_sum(inputs, weights)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        weights, inputs = _halves(ctx.saved_tensors)
        layout = _layout(inputs[0])
        flat = layout(gradient).reshape(-1)
        to_weights = [torch.dot(flat, layout(each).reshape(-1)) for each in inputs]
        return (*to_weights, *[gradient * weight for weight in weights])


class AttentionSum(Function):
    """Σᵢ aᵢ xᵢ with a = softmaxᵢ(⟨qᵢ, gᵢ⟩), gᵢ the mean of xᵢ over its pixels: apply(q [N, C], x₁, …, x_N).

    The weights a [B, N] belong to each sample alone. With zero vectors q it is the mean of the inputs.
    """

    @staticmethod
    def forward(ctx: Any, queries: Tensor, *inputs: Tensor) -> Tensor:
        means = torch.stack([each.mean((2, 3)) for each in inputs], dim=1).to(queries.dtype)
        weights = (means * queries).sum(2).softmax(1)
        ctx.save_for_backward(queries, means, weights, *inputs)
        return _scaled_sum(inputs, _per_sample(weights.to(inputs[0].dtype)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        queries, means, weights, *inputs = ctx.saved_tensors
        layout = _layout(inputs[0])
        rows = layout(gradient).flatten(1).unsqueeze(1)
        columns = [layout(each).flatten(1).unsqueeze(2) for each in inputs]
        to_weights = torch.cat([torch.bmm(rows, column) for column in columns], dim=1).squeeze(2)
        to_scores = weights * (to_weights - (weights * to_weights).sum(1, keepdim=True))
        to_queries = torch.einsum("bn,bnc->nc", to_scores, means)
        pixels = gradient.shape[2] * gradient.shape[3]
        to_means = ((to_scores / pixels).unsqueeze(2) * queries).to(gradient.dtype)
        to_inputs = [
            torch.addcmul(to_mean[:, :, None, None], gradient, weight)
            for to_mean, weight in zip(to_means.unbind(1), _per_sample(weights.to(gradient.dtype)), strict=True)
        ]
        return (to_queries, *to_inputs)


class Mean(Function):
    """(x₁ + … + x_N) / N; all inputs share one gradient tensor."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        ctx.count = len(inputs)
        mean = inputs[0] / len(inputs)
        for each in inputs[1:]:
            mean.add_(each, alpha=1 / len(inputs))
        return mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        count: int = ctx.count
        return (gradient / count,) * count


def _layout(values: Tensor) -> Callable[[Tensor], Tensor]:
    """How feature maps are looked at so that flattening them copies nothing: the order of their numbers in memory."""
    last = values.is_contiguous(memory_format=torch.channels_last) and not values.is_contiguous()
    return _channels_last if last else _as_it_is


def _channels_last(values: Tensor) -> Tensor:
    return values.permute(0, 2, 3, 1)


def _as_it_is(values: Tensor) -> Tensor:
    return values


def _halves(values: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    middle = len(values) // 2
    return values[:middle], values[middle:]


def _per_sample(weights: Tensor) -> Iterable[Tensor]:
    """[B, N] -> N tensors of [B, 1, 1, 1]."""
    return weights[:, :, None, None, None].unbind(1)


def _scaled_sum(inputs: Sequence[Tensor], weights: Iterable[Tensor]) -> Tensor:
    scales = iter(weights)
    total = inputs[0] * next(scales)
    for each, scale in zip(inputs[1:], scales, strict=True):
        total.addcmul_(each, scale)
    return total
