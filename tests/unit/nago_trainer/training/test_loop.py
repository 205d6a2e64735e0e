from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrainingSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.data.splits import Splits, make_splits
from nago_trainer.training.batches import shuffled_batches
from nago_trainer.training.loop import train_epoch
from nago_trainer.training.progress import has_diverged
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import TrainingInterruptedError, initial_state


@pytest.fixture(scope="module")
def splits() -> Splits:
    """Two classes of 4x4 images that differ in brightness, 42 to train and 18 to validate."""
    labels = np.repeat([0, 1], 30)
    noise = np.random.default_rng(0).integers(0, 160, (60, 1, 4, 4))
    pixels = (noise + 90 * labels[:, None, None, None]).astype(np.uint8)
    images = ImageSet(pixels=pixels, labels=labels, class_names=("dark", "bright"))
    return make_splits(images, fraction=0.3, seed=0, device=torch.device("cpu"))


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


def _train(splits: Splits, settings: TrainingSettings, *, epochs: int = 4, seed: int = 0) -> list[EpochRecord]:
    state = initial_state(_network(), settings, derive_seeds(seed))
    for _ in range(epochs):
        if has_diverged(train_epoch(state, splits, settings, epochs=epochs)):
            break
    return state.records


def _measured(records: list[EpochRecord]) -> list[EpochRecord]:
    return [replace(record, seconds=0.0) for record in records]


@pytest.fixture
def small(recipe: TrainingSettings) -> TrainingSettings:
    return replace(recipe, batch_size=8, cutout=2, horizontal_flip=True)


def test_training_learns(splits: Splits, recipe: TrainingSettings) -> None:
    last = _train(splits, replace(recipe, batch_size=8), epochs=8)[-1]
    assert last.validation_accuracy > 0.9
    assert last.training_accuracy > 0.9


def test_every_epoch_has_its_record_and_the_rate_falls_to_zero(splits: Splits, small: TrainingSettings) -> None:
    records = _train(splits, small)
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    assert records[1].learning_rate == pytest.approx(small.learning_rate / 2)
    assert records[-1].learning_rate == pytest.approx(0, abs=1e-12)
    assert not any(map(has_diverged, records))


def test_the_seed_alone_decides(splits: Splits, small: TrainingSettings) -> None:
    torch.manual_seed(99)
    first = _measured(_train(splits, small, seed=3))
    assert _measured(_train(splits, small, seed=3)) == first
    assert _measured(_train(splits, small, seed=4)) != first


@pytest.mark.parametrize("rate", [1e30, math.nan])
def test_a_diverged_training_ends_with_the_worst_values(splits: Splits, small: TrainingSettings, rate: float) -> None:
    records = _train(splits, replace(small, learning_rate=rate, gradient_clip=0.0), epochs=20)
    assert len(records) < 20
    assert has_diverged(records[-1])
    assert (records[-1].validation_accuracy, records[-1].validation_loss) == (0.0, math.inf)


def test_the_first_step_is_timed_once_before_it_is_made(splits: Splits, small: TrainingSettings) -> None:
    network = _network()
    entered: list[float] = []
    network.register_forward_pre_hook(lambda *_: entered.append(time.monotonic()))
    began = time.monotonic()
    state = initial_state(network, small, derive_seeds(0))
    for _ in range(2):
        train_epoch(state, splits, small, epochs=2)
    assert state.first_step_at is not None
    assert began <= state.first_step_at <= entered[0]


def test_gradients_are_clipped(splits: Splits, small: TrainingSettings) -> None:
    """With a norm of almost nothing a step moves nothing, weight decay and momentum off."""
    still = replace(small, gradient_clip=1e-12, weight_decay=0.0, momentum=0.0)
    network = _network()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    train_epoch(initial_state(network, still, derive_seeds(0)), splits, still, epochs=1)
    assert all(torch.allclose(old, new, atol=1e-9) for old, new in zip(before, network.parameters(), strict=True))


def test_a_smoothed_loss_is_never_near_zero(splits: Splits, recipe: TrainingSettings) -> None:
    plain, smooth = (
        _train(splits, replace(recipe, batch_size=8, label_smoothing=share), epochs=8)[-1] for share in (0.0, 0.4)
    )
    assert smooth.training_loss > plain.training_loss
    assert smooth.training_loss > -math.log(0.8) * 0.8 - math.log(0.2) * 0.2 - 1e-6


@given(st.integers(2, 300), st.integers(1, 100))
def test_batches_hold_all_images_but_for_a_last_single_one(count: int, batch_size: int) -> None:
    sizes = [len(batch) for batch in shuffled_batches(torch.zeros(count), batch_size, torch.Generator())]
    assert count - sum(sizes) in (0, 1)
    assert all(size == batch_size for size in sizes[:-1])
    assert 1 <= sizes[-1] <= batch_size
    assert sizes[-1] > 1 or batch_size == 1


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_end(splits: Splits, small: TrainingSettings) -> None:
    """Interrupted before each of its steps; the state itself is all that is needed."""
    whole = _train(splits, small)
    state = initial_state(_network(), small, derive_seeds(0))
    while len(state.records) < 4:
        answers = iter((False, True))
        with suppress(TrainingInterruptedError):
            train_epoch(state, splits, small, epochs=4, interrupted=partial(next, answers))
    assert _measured(state.records) == _measured(whole)
