"""Training that computes cheap tensors twice: the same numbers, and exactly the memory that the plan foretells."""

from __future__ import annotations

import gc
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.kept_memory import kept_bytes
from nago_trainer.architecture import Kind, Plan
from nago_trainer.architecture.plan.kept import kept_bytes_per_sample
from nago_trainer.network.arithmetic import Arithmetic
from nago_trainer.network.network import build_network
from nago_trainer.network.recompute import Recomputation
from tests.unit.nago_trainer.network.test_network import generator, images_for, small_plan

BATCH = 6
SEEDS = range(3)
"""Of draws of all operations and merges."""


def _network(plan: Plan, *, recompute: bool, dropout: float = 0.0) -> nn.Module:
    return build_network(plan, dropout, generator=generator(), arithmetic=Arithmetic(recompute=recompute))


def _after_steps(plan: Plan, *, recompute: bool, dropout: float = 0.0, steps: int = 2) -> dict[str, Tensor]:
    """Losses, last gradients, weights and statistics."""
    torch.manual_seed(3)
    network = _network(plan, recompute=recompute, dropout=dropout)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    found: dict[str, Tensor] = {}
    for step in range(steps):
        loss = cross_entropy(network(images_for(plan, BATCH)), torch.arange(BATCH))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # of torch
        optimizer.step()
        found[f"loss {step}"] = loss.detach()
    gradients = {f"gradient of {name}": each.grad for name, each in network.named_parameters() if each.grad is not None}
    return {**found, **gradients, **network.state_dict()}


@pytest.mark.parametrize("seed", SEEDS)
def test_trains_to_the_very_bits_of_a_training_that_keeps_all(seed: int) -> None:
    """Running statistics too, which a second normalisation must not touch."""
    plan = small_plan(seed)
    kept, recomputed = (_after_steps(plan, recompute=recompute, dropout=0.3) for recompute in (False, True))
    assert kept.keys() == recomputed.keys()
    for name, value in kept.items():
        assert torch.equal(value, recomputed[name]), name


@pytest.mark.parametrize("recompute", [False, True], ids=["all-kept", "recomputed"])
@pytest.mark.parametrize("seed", SEEDS)
def test_keeps_the_bytes_that_the_plan_says(seed: int, recompute: bool) -> None:
    """To the byte: the growth by each further image."""
    plan = small_plan(seed)
    network = _network(plan, recompute=recompute)
    small, large = (kept_bytes(network, images_for(plan, batch)) for batch in (4, 12))
    assert large - small == 8 * kept_bytes_per_sample(plan, recompute=recompute)


def test_much_less_is_kept() -> None:
    plans = [small_plan(seed) for seed in SEEDS]
    all_kept, recomputed = (
        sum(map(partial(kept_bytes_per_sample, recompute=recompute), plans)) for recompute in (False, True)
    )
    assert recomputed < 0.6 * all_kept


def test_nothing_of_a_pass_outlives_its_gradients() -> None:
    """Even where the loss does."""
    plan = small_plan(0)
    total = _network(plan, recompute=True)(images_for(plan, BATCH)).sum()
    assert _passes() == 1
    total.backward()
    assert _passes() == 0


def _passes() -> int:
    return sum(isinstance(each, Recomputation) for each in gc.get_objects())


def test_a_network_that_is_evaluated_recomputes_nothing() -> None:
    plan = small_plan(1)
    kept, recomputed = (_network(plan, recompute=recompute).eval() for recompute in (False, True))
    images = images_for(plan, BATCH)
    assert torch.equal(kept(images), recomputed(images))
    with torch.inference_mode():
        assert torch.equal(kept(images), recomputed(images))


def test_the_same_in_mixed_precision() -> None:
    plan = small_plan(2)
    with torch.autocast("cpu", torch.bfloat16):
        kept, recomputed = (_after_steps(plan, recompute=recompute, steps=1) for recompute in (False, True))
    for name, value in kept.items():
        assert torch.equal(value, recomputed[name]), name


def test_a_second_backward_pass_is_refused_in_words() -> None:
    network = _network(small_plan(0), recompute=True)
    total = network(images_for(small_plan(0), BATCH)).sum()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="one backward pass"):
        total.backward()


def test_the_draws_have_every_merge() -> None:
    """What the tests above are about."""
    kinds = {operation.kind for seed in SEEDS for operation in small_plan(seed).operations}
    assert kinds == set(Kind)
