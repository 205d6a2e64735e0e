"""What a plan costs: learnt parameters and floating-point operations. The only place that knows the formulas."""

from __future__ import annotations

from collections.abc import Callable

from nago_trainer.architecture.plan.plan import Kind, Operation, Plan

_Formula = Callable[[int, int, int, int], int]
_PARAMETERS: dict[Kind, _Formula] = {
    Kind.CONV: lambda inputs, kernel, in_channels, out_channels: kernel * kernel * in_channels * out_channels,
    Kind.BATCH_NORM: lambda inputs, kernel, in_channels, out_channels: 2 * out_channels,
    Kind.WEIGHTED_SUM: lambda inputs, kernel, in_channels, out_channels: inputs,
    Kind.ATTENTION_SUM: lambda inputs, kernel, in_channels, out_channels: inputs * out_channels,
    Kind.LINEAR: lambda inputs, kernel, in_channels, out_channels: (in_channels + 1) * out_channels,
}
"""Of (number of inputs, kernel, channels of the first input, channels of the output); other kinds learn nothing."""

_MULTIPLY = frozenset({Kind.CONV, Kind.LINEAR})


def operation_parameters(operation: Operation, in_channels: int, out_channels: int) -> int:
    """Learnt numbers of one operation, given the channels of its first input and of its output.

    conv k²·in·out, batch_norm 2·out (running statistics are not learnt), weighted_sum N, attention_sum N·out,
    linear (in + 1)·out, all others 0.
    """
    formula = _PARAMETERS.get(operation.kind)
    return formula(len(operation.inputs), operation.kernel, in_channels, out_channels) if formula else 0


def has_parameters(kind: Kind) -> bool:
    return kind in _PARAMETERS


def count_parameters(plan: Plan) -> int:
    """The exact number of learnt parameters of the plan's network."""
    tensors = plan.tensors
    return sum(
        operation_parameters(operation, tensors[operation.inputs[0]].channels, tensors[operation.output].channels)
        for operation in plan.operations
        if operation.kind in _PARAMETERS
    )


def count_flops(plan: Plan) -> int:
    """Floating-point operations of one forward pass of one sample: 2 × the multiply-adds of conv and linear.

    Left out, as is usual: batch normalisation (it folds into the convolution at inference), relu, pooling, merging,
    and the bias of linear; together they are a few per cent. Padding counts as if it were image.
    """
    return 2 * sum(
        operation.kernel**2 * plan.tensors[operation.inputs[0]].channels * plan.tensors[operation.output].elements
        for operation in plan.operations
        if operation.kind in _MULTIPLY
    )
