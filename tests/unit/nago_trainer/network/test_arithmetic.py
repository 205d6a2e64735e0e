"""How a network is computed does not decide what it computes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nago_trainer.contract.task import TrainingSettings, TrialTask
from nago_trainer.network.arithmetic import Arithmetic
from nago_trainer.network.network import build_network
from tests.unit.nago_trainer.network.test_network import generator, images_for, small_plan

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def _gradients(arithmetic: Arithmetic, seed: int, *, double: bool = False) -> dict[str, Tensor]:
    plan = small_plan(seed)
    network = build_network(plan, generator=generator(), arithmetic=arithmetic)
    images = images_for(plan, 6)
    if double:
        network, images = network.double(), images.double()
    logits = network(images)
    assert logits.dtype is images.dtype
    cross_entropy(logits, torch.arange(6)).backward()  # type: ignore[no-untyped-call]  # of torch
    return {name: each.grad for name, each in network.named_parameters() if each.grad is not None}


@pytest.mark.parametrize("seed", range(2))
def test_channels_last_has_the_gradients_of_channels_first(seed: int) -> None:
    """Of every merge and operation; in double precision, so that rounding hides nothing."""
    first = _gradients(Arithmetic(), seed, double=True)
    last = _gradients(Arithmetic(channels_last=True), seed, double=True)
    assert first.keys() == last.keys()
    for name, gradient in first.items():
        assert torch.allclose(gradient, last[name], rtol=1e-9, atol=1e-12), name


def test_channels_last_holds_behind_a_grey_image_too() -> None:
    """One channel lies in memory either way, and torch would go on in the usual one."""
    network = build_network(small_plan(0), arithmetic=Arithmetic(channels_last=True))
    read: list[Tensor] = []
    for layer in list(network.layers.values())[1:]:
        layer.register_forward_pre_hook(lambda _layer, inputs: read.append(inputs[0]))
    network(images_for(small_plan(0), 2))
    maps = [values for values in read if values.dim() == 4]
    assert maps
    assert all(values.is_contiguous(memory_format=torch.channels_last) for values in maps)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_gradients_in_mixed_precision_point_the_same_way(precision: str) -> None:
    exact, mixed = _gradients(Arithmetic(), 1), _gradients(Arithmetic(precision=precision), 1)
    flat = [torch.cat([each.flatten() for each in found.values()]) for found in (exact, mixed)]
    assert all(each.dtype is torch.float32 for each in mixed.values())
    assert torch.cosine_similarity(flat[0], flat[1], dim=0) > 0.98


@pytest.mark.parametrize(
    ("layout", "device", "last"),
    [
        ("auto", CPU, True),
        ("auto", GPU, False),
        ("channels_last", GPU, True),
        ("channels_first", CPU, False),
    ],
)
def test_auto_is_channels_last_on_cpus(task: TrialTask, layout: str, device: torch.device, last: bool) -> None:
    settings = replace(task.training, layout=layout)
    assert Arithmetic.of(settings, device).channels_last is last


def test_a_task_of_before_is_computed_as_before(task: TrialTask) -> None:
    former = task.to_json()["training"]
    assert former.keys().isdisjoint({"precision", "layout", "recompute"})
    assert Arithmetic.of(TrainingSettings(**former), CPU) == Arithmetic()
