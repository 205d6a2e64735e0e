from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import gradcheck

from nago_trainer.architecture import (
    HYPERPARAMETERS,
    HnagTheta,
    Kind,
    Operation,
    Plan,
    TensorShape,
    build_plan,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.architecture.theta import MERGES, OPERATIONS, Number
from nago_trainer.network.merges import AttentionSum, Mean, WeightedSum
from nago_trainer.network.network import PlannedNetwork, build_network

DIGIT = TensorShape(1, 8)
CLASSES = 10


def draw_theta(rng: np.random.Generator, **largest: int) -> HnagTheta:
    """Uniform over the paper's ranges, all operations and merges by random weights; `largest` lowers upper ends."""
    values: dict[str, Number] = {}
    for item in HYPERPARAMETERS:
        if not isinstance(item.default, tuple):
            values[item.name] = item.default
        elif item.kind == "int":
            low, high = int(item.default[0]), largest.get(item.name, int(item.default[1]))
            values[item.name] = int(rng.integers(low, high, endpoint=True))
        else:
            values[item.name] = float(rng.uniform(*item.default))
    names = [f"operation_{name}" for name in OPERATIONS] + [f"merge_{name}" for name in MERGES]
    return HnagTheta.from_mapping({**values, **{name: float(rng.uniform()) for name in names}})


def draw_plan(seed: int, image: TensorShape = DIGIT, limit: int = 20_000, **largest: int) -> Plan:
    architecture = sample_architecture(draw_theta(np.random.default_rng(seed), **largest), seed)
    return fit_plan(architecture, image, CLASSES, limit)[1]


def small_plan(seed: int, image: TensorShape = DIGIT) -> Plan:
    return draw_plan(seed, image, top_nodes=4, mid_nodes=2, bottom_nodes=4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images_for(plan: Plan, batch: int) -> torch.Tensor:
    return torch.randn(batch, plan.image.channels, plan.image.size, plan.image.size, generator=generator(1))


def parameter_total(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def assert_trains(plan: Plan) -> None:
    network = build_network(plan, generator=generator())
    logits = network(images_for(plan, 3))
    assert logits.shape == (3, CLASSES)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()  # type: ignore[no-untyped-call]  # of torch
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


Inputs = list[torch.Tensor]


def plain_average_pool(inputs: Inputs, kernel: int) -> torch.Tensor:
    """The sum of a window by the number of its pixels inside the image."""
    pool = partial(torch.nn.functional.avg_pool2d, kernel_size=kernel, stride=1, padding=kernel // 2)
    return pool(inputs[0]) / pool(torch.ones_like(inputs[0]))


def plain_weighted_sum(inputs: Inputs, weights: torch.Tensor) -> torch.Tensor:
    return torch.einsum("n,nbchw->bchw", weights.sigmoid(), torch.stack(inputs))


def plain_attention_sum(inputs: Inputs, queries: torch.Tensor) -> torch.Tensor:
    stacked = torch.stack(inputs)
    scores = torch.einsum("nbc,nc->bn", stacked.mean((3, 4)), queries.view(len(inputs), -1))
    return torch.einsum("bn,nbchw->bchw", scores.softmax(1), stacked)


def plain_function(network: PlannedNetwork, number: int, weights: dict[int, torch.Tensor]) -> Callable[..., Any]:
    operation = network.plan.operations[number]
    learnt = weights.get(number, torch.empty(0))
    functions: dict[Kind, Callable[[Inputs], Any]] = {
        Kind.RELU: lambda inputs: inputs[0].clamp(min=0),
        Kind.AVERAGE_POOL: lambda inputs: plain_average_pool(inputs, operation.kernel),
        Kind.DOWNSAMPLE: lambda inputs: torch.nn.functional.adaptive_avg_pool2d(
            inputs[0], network.plan.tensors[operation.output].size
        ),
        Kind.WEIGHTED_SUM: lambda inputs: plain_weighted_sum(inputs, learnt),
        Kind.ATTENTION_SUM: lambda inputs: plain_attention_sum(inputs, learnt),
        Kind.CONCAT: lambda inputs: torch.cat(inputs, 1),
        Kind.MEAN: lambda inputs: torch.stack(inputs).mean(0),
        Kind.GLOBAL_POOL: lambda inputs: inputs[0].mean((2, 3)),
        Kind.DROPOUT: lambda inputs: inputs[0],
    }
    return functions.get(operation.kind, lambda inputs: network.layers[str(number)](inputs[0]))


def plain_forward(network: PlannedNetwork, images: torch.Tensor) -> torch.Tensor:
    """The plan's meaning, written down plainly: nothing released, nothing in place, no functions of our own."""
    plan = network.plan
    weights: dict[int, torch.Tensor] = {}
    for kind, parameter in ((Kind.WEIGHTED_SUM, network.gates), (Kind.ATTENTION_SUM, network.queries)):
        merges = [number for number, operation in enumerate(plan.operations) if operation.kind is kind]
        channels = [plan.tensors[plan.operations[number].output].channels for number in merges]
        factors = channels if kind is Kind.ATTENTION_SUM else [1] * len(merges)
        sizes = [len(plan.operations[number].inputs) * factor for number, factor in zip(merges, factors, strict=True)]
        if parameter is not None:
            weights |= dict(zip(merges, torch.split_with_sizes(parameter, sizes), strict=True))
    values = {0: images}
    for number, operation in enumerate(plan.operations):
        inputs = [values[tensor] for tensor in operation.inputs]
        values[operation.output] = plain_function(network, number, weights)(inputs)
    return values[plan.operations[-1].output]


@pytest.mark.slow
@pytest.mark.parametrize("group", range(6))
def test_random_draws_of_the_papers_ranges_have_the_counted_parameters_and_train(group: int) -> None:
    """60 draws, up to 1,000 nodes; the first of each ten is trained for a step."""
    plans = [draw_plan(seed, limit=70_000) for seed in range(10 * group, 10 * (group + 1))]
    for plan in plans:
        assert parameter_total(PlannedNetwork(plan, 0.0)) == count_parameters(plan)
    assert_trains(plans[0])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_small_networks_have_the_counted_parameters_and_train(seed: int) -> None:
    plan = small_plan(seed)
    assert parameter_total(build_network(plan, 0.3)) == count_parameters(plan)
    assert_trains(plan)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("image", [DIGIT, pytest.param(TensorShape(3, 11), marks=pytest.mark.slow)])
def test_computes_what_the_plan_means(seed: int, image: TensorShape) -> None:
    """Outputs and gradients equal those of the plain way, at weights that are not the initial ones."""
    plan = small_plan(seed, image)
    network = build_network(plan, generator=generator()).double()
    with torch.no_grad():
        for merged in (network.gates, network.queries):
            if merged is not None:
                merged.copy_(torch.randn(merged.shape, generator=generator(3)))
    images = images_for(plan, 4).double()
    results = []
    for forward in (network, lambda batch: plain_forward(network, batch)):
        network.zero_grad()
        logits = forward(images)
        logits.square().sum().backward()
        results.append([logits, *[p.grad.clone() for p in network.parameters() if p.grad is not None]])
    for ours, plain in zip(*results, strict=True):
        torch.testing.assert_close(ours, plain)


def doubles(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=generator(seed)).requires_grad_()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_gradients_of_the_merges(count: int) -> None:
    inputs = [doubles(3, 2, 3, 3, seed=number) for number in range(count)]
    weights = doubles(count, seed=10).unbind(0)
    assert gradcheck(WeightedSum.apply, (*weights, *inputs))
    assert gradcheck(AttentionSum.apply, (doubles(count, 2, seed=20), *inputs))
    assert gradcheck(Mean.apply, inputs)


def test_every_merge_starts_as_the_mean() -> None:
    shape, image = TensorShape(4, 8), TensorShape(4, 8)
    operations = [
        Operation(Kind.CONV, (0,), 1, 3),
        Operation(Kind.CONV, (0,), 2, 3),
        Operation(Kind.CONV, (0,), 3, 3),
        Operation(Kind.GLOBAL_POOL, (4,), 5),
        Operation(Kind.LINEAR, (5,), 6),
    ]
    logits = []
    for kind in (Kind.WEIGHTED_SUM, Kind.ATTENTION_SUM, Kind.MEAN):
        steps = (*operations[:3], Operation(kind, (1, 2, 3), 4), *operations[3:])
        plan = Plan((image, *[shape] * 4, TensorShape(4, 1), TensorShape(CLASSES, 1)), steps)
        logits.append(build_network(plan, generator=generator())(images_for(plan, 2)))
    torch.testing.assert_close(logits[0], logits[2])
    torch.testing.assert_close(logits[1], logits[2])


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["conv3x3", "pool3x3"])
@pytest.mark.parametrize("merge", MERGES)
def test_a_thousand_nodes_start_with_activations_of_ordinary_size(operation: str, merge: str) -> None:
    """Pooling nodes have no norm: merges that grew their inputs would overflow on the way."""
    values: dict[str, Number] = {item.name: 0 for item in HYPERPARAMETERS}
    values |= dict.fromkeys(("top_nodes", "mid_nodes", "bottom_nodes"), 10)
    values |= {"top_k": 4, "bottom_k": 4, "top_p": 0.5, "mid_p": 0.9, "bottom_p": 0.5}
    values |= {f"stage_ratio_{stage}": 1 for stage in (1, 2, 3)}
    values |= {f"channel_ratio_{stage}": 2 ** (stage - 1) for stage in (1, 2, 3)}
    values |= {f"operation_{operation}": 1, f"merge_{merge}": 1}
    plan = build_plan(sample_architecture(HnagTheta.from_mapping(values), 0), DIGIT, CLASSES, 8)
    logits = build_network(plan, generator=generator())(images_for(plan, 4))
    assert 1e-4 < float(logits.detach().abs().max()) < 1e2


def test_same_generator_same_network_and_pytorchs_own_stays_untouched() -> None:
    plan = small_plan(1)
    before = torch.random.get_rng_state()
    first, second, other = (build_network(plan, generator=generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(torch.random.get_rng_state(), before)
    images = images_for(plan, 4)
    assert torch.equal(first(images), second(images))
    assert not torch.equal(first(images), other(images))


def test_weights_start_with_the_variance_that_keeps_activations() -> None:
    wide = TensorShape(64, 8)
    operations = (
        Operation(Kind.CONV, (0,), 1, 3),
        Operation(Kind.RELU, (1,), 2),
        Operation(Kind.CONV, (2,), 3, 3),
        Operation(Kind.GLOBAL_POOL, (3,), 4),
        Operation(Kind.LINEAR, (4,), 5),
    )
    plan = Plan((wide, wide, wide, wide, TensorShape(64, 1), TensorShape(64, 1)), operations)
    layers = build_network(plan, generator=generator()).layers
    expected = {"0": math.sqrt(1 / 576), "2": math.sqrt(2 / 576), "4": math.sqrt(1 / 64)}
    for name, deviation in expected.items():
        weight = layers[name].weight
        assert isinstance(weight, torch.Tensor)
        assert float(weight.detach().std()) == pytest.approx(deviation, rel=0.05)


def test_dropout_acts_in_training_only() -> None:
    network = build_network(small_plan(2), 0.5, generator=generator())
    plain = build_network(small_plan(2), generator=generator())
    images = images_for(network.plan, 8)
    torch.manual_seed(0)
    assert not torch.equal(network(images), network(images))
    plain.load_state_dict(network.state_dict())
    assert torch.equal(network.eval()(images), plain.eval()(images))


def test_copies_and_saved_networks_are_independent_and_equal() -> None:
    network = build_network(small_plan(3), generator=generator()).eval()
    images = images_for(network.plan, 2)
    copied = copy.deepcopy(network)
    buffer = io.BytesIO()
    torch.save(network, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)
    expected = network(images)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    assert torch.equal(copied(images), expected)
    assert torch.equal(loaded(images), expected)
    assert not torch.equal(network(images), expected)


def test_leaves_the_images_as_they_are() -> None:
    plan = Plan(
        (DIGIT, DIGIT, TensorShape(1, 1), TensorShape(CLASSES, 1)),
        (
            Operation(Kind.RELU, (0,), 1),
            Operation(Kind.GLOBAL_POOL, (1,), 2),
            Operation(Kind.LINEAR, (2,), 3),
        ),
    )
    images = images_for(plan, 2)
    kept = images.clone()
    build_network(plan)(images)
    assert torch.equal(images, kept)
