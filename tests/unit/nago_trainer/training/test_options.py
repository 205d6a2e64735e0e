"""Each option of a training does what it says, and a training with it resumes to the same bits."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, nn

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrainingSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.data.splits import Splits, make_splits
from nago_trainer.errors import TaskError
from nago_trainer.network.tensor_file import from_bytes, to_bytes
from nago_trainer.training import checkpoint
from nago_trainer.training.averaging import WeightAverage
from nago_trainer.training.balance import class_weights, image_order
from nago_trainer.training.checkpoint import Checkpoint
from nago_trainer.training.loop import train_epoch
from nago_trainer.training.mixing import mix, rand_augment
from nago_trainer.training.progress import best_record, chosen_record, has_ended, has_stopped_improving
from nago_trainer.training.schedule import learning_rate
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import TrainingInterruptedError, TrainingState, initial_state

EPOCHS = 2
OPTIONS: dict[str, dict[str, Any]] = {
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
    "scaled loss": {"precision": "fp16", "optimizer": "adamw", "micro_batch_size": 3, "accumulate": True},
    "warm-up": {"warmup_epochs": 1.5},
    "average": {"ema_decay": 0.9},
    "parts": {"micro_batch_size": 3, "accumulate": True},
    "mixup": {"mixup": 0.4},
    "cutmix": {"cutmix": 1.0},
    "both mixed": {"mixup": 0.4, "cutmix": 1.0, "label_smoothing": 0.1},
    "randaugment": {"randaugment": 2},
    "weights": {"balance": "weights"},
    "sampling": {"balance": "sampling"},
    "best": {"keep": "best", "learning_rate": 0.5},
    "best average": {"keep": "best", "ema_decay": 0.9},
}


@pytest.fixture(scope="module")
def splits() -> Splits:
    """Two classes of 4x4 images that differ in brightness, 28 and 14 to train."""
    labels = np.repeat([0, 1], [40, 20])
    noise = np.random.default_rng(0).integers(0, 160, (60, 1, 4, 4))
    pixels = (noise + 90 * labels[:, None, None, None]).astype(np.uint8)
    images = ImageSet(pixels=pixels, labels=labels, class_names=("dark", "bright"))
    return make_splits(images, fraction=0.3, seed=0, device=torch.device("cpu"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Of which these networks need no second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def small(recipe: TrainingSettings) -> TrainingSettings:
    return replace(recipe, batch_size=8, cutout=2, horizontal_flip=True)


def new_state(settings: TrainingSettings) -> TrainingState:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 2)]
    return initial_state(nn.Sequential(*layers), settings, derive_seeds(0))


def train(splits: Splits, settings: TrainingSettings, epochs: int = EPOCHS) -> TrainingState:
    state = new_state(settings)
    for _ in range(epochs):
        train_epoch(state, splits, settings, epochs=epochs)
    return state


def measured(state: TrainingState) -> list[EpochRecord]:
    return [replace(record, seconds=0.0) for record in state.records]


def killed_and_resumed(splits: Splits, settings: TrainingSettings) -> TrainingState:
    """After each second step a checkpoint, from whose bytes another process goes on."""
    state = new_state(settings)
    while len(state.records) < EPOCHS:
        answers = iter((False, False, True))
        with suppress(TrainingInterruptedError):
            train_epoch(state, splits, settings, epochs=EPOCHS, interrupted=partial(next, answers))
        content = from_bytes(to_bytes("a", checkpoint.capture(state))).content
        records = tuple(state.records)
        state = new_state(settings)
        checkpoint.restore(state, Checkpoint(batch_size=8, records=records, seconds=0.0, state=content))
    return state


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_a_training_with_it_resumes_to_the_same_bits(
    splits: Splits, small: TrainingSettings, option: dict[str, Any]
) -> None:
    settings = replace(small, **option)
    whole, parts = train(splits, settings), killed_and_resumed(splits, settings)
    assert measured(parts) == measured(whole)
    for state in (whole, parts):
        state.finish()
    expected = whole.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in parts.network.state_dict().items())
    assert measured(whole) != measured(train(splits, small)) or option.get("keep") == "best"


def test_warm_up_grows_to_the_first_rate_and_leaves_the_cosine_the_rest(small: TrainingSettings) -> None:
    warm = replace(small, learning_rate=0.4, warmup_epochs=2.0)
    rates = [learning_rate(warm, step, 16, 2) for step in range(17)]
    assert rates[:5] == pytest.approx([0.08, 0.16, 0.24, 0.32, 0.4])
    assert rates[10] == pytest.approx(0.2)
    assert rates[16] == pytest.approx(0)
    short = [learning_rate(warm, step, 2, 2) for step in range(3)]
    assert short == pytest.approx([0.2, 0.4, 0.0])


def test_the_average_is_what_is_measured_and_kept(splits: Splits, small: TrainingSettings) -> None:
    state = train(splits, replace(small, ema_decay=0.95))
    assert state.average is not None
    last = copy.deepcopy(state.network.state_dict())
    with state.evaluated_network() as network:
        inside = copy.deepcopy(network.state_dict())
    assert all(torch.equal(value, last[name]) for name, value in state.network.state_dict().items())
    assert any(not torch.equal(value, last[name]) for name, value in inside.items())
    state.finish()
    assert all(torch.equal(value, inside[name]) for name, value in state.network.state_dict().items())


def test_an_average_follows_quickly_at_first_and_by_its_decay_later() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = WeightAverage(network, 0.99)
    nn.init.ones_(network.weight)
    average.update(network, 0)
    assert average.values["weight"].item() == pytest.approx(0.9)
    average.update(network, 10**6)
    assert average.values["weight"].item() == pytest.approx(1 - 0.1 * 0.99)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_gradients_of_parts_add_up_to_that_of_the_batch(
    splits: Splits, small: TrainingSettings, precision: str
) -> None:
    """Without batch normalisation and dropout, of which each part has its own."""
    weights = []
    for size in (0, 3):
        settings = replace(small, micro_batch_size=size, accumulate=size > 0, precision=precision)
        torch.manual_seed(0)
        state = initial_state(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), settings, derive_seeds(0))
        train_epoch(state, splits, settings, epochs=1)
        weights.append(torch.cat([parameter.detach().flatten() for parameter in state.network.parameters()]))
        assert len(state.records) == 1
    assert torch.allclose(weights[0], weights[1], atol=1e-6)


def test_mixing_gives_shares_of_two_classes_and_leaves_the_global_generator(small: TrainingSettings) -> None:
    images, labels = torch.rand(8, 1, 32, 32), torch.arange(8) % 2
    before = torch.get_rng_state()
    for name in ("mixup", "cutmix"):
        mixed, shares = mix(images, labels, 2, replace(small, **{name: 1.0}), Generator().manual_seed(3))  # type: ignore[arg-type]  # both are floats
        assert shares.shape == (8, 2)
        assert shares.sum(1).allclose(torch.ones(8))
        assert not torch.equal(mixed, images)
    assert torch.equal(torch.get_rng_state(), before)
    assert mix(images, labels, 2, small, Generator()) == (images, labels)


def test_randaugment_changes_every_image_on_its_own(small: TrainingSettings) -> None:
    one = torch.randint(0, 256, (1, 8, 8), generator=Generator().manual_seed(0)).to(torch.uint8)
    changed = rand_augment(one.expand(16, 1, 8, 8), replace(small, randaugment=2), Generator().manual_seed(5))
    assert changed.dtype == torch.uint8
    assert len({bytes(image.numpy().tobytes()) for image in changed}) > 8


def test_randaugment_refuses_images_that_are_neither_grey_nor_coloured(small: TrainingSettings) -> None:
    with pytest.raises(TaskError, match="1 or 3 channels, and these have 4"):
        rand_augment(torch.zeros(1, 4, 8, 8, dtype=torch.uint8), replace(small, randaugment=1), Generator())


def test_rare_classes_weigh_more_or_are_drawn_as_often(small: TrainingSettings) -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    weights = class_weights(labels, 2, replace(small, balance="weights"))
    assert weights is not None
    assert weights[labels].mean().item() == pytest.approx(1)
    assert (weights[1] / weights[0]).item() == pytest.approx(9)
    drawn = image_order(labels, "sampling", Generator().manual_seed(0))
    assert len(drawn) == 100
    assert 30 < int(labels[drawn].sum()) < 70
    assert sorted(image_order(labels, "none", Generator()).tolist()) == list(range(100))


def record(epoch: int, accuracy: float, loss: float = 1.0) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        training_loss=1.0,
        training_accuracy=0.5,
        validation_loss=loss,
        validation_accuracy=accuracy,
        learning_rate=0.1,
        seconds=0.0,
    )


def test_the_best_epoch_is_chosen_where_that_is_asked_for(small: TrainingSettings) -> None:
    records = [record(1, 0.5), record(2, 0.8, 0.4), record(3, 0.8, 0.3), record(4, 0.8, 0.3), record(5, 0.7)]
    assert best_record(records).epoch == 3
    assert chosen_record(records, small).epoch == 5
    assert chosen_record(records, replace(small, keep="best")).epoch == 3
    assert not has_stopped_improving(records, small)
    assert [has_stopped_improving(records, replace(small, patience=patience)) for patience in (2, 3)] == [True, False]


def test_a_training_that_diverged_ends_and_keeps_no_earlier_epoch(small: TrainingSettings) -> None:
    records = [record(1, 0.5), record(2, 0.0, math.inf)]
    best = replace(small, keep="best")
    assert chosen_record(records, best).epoch == 2
    assert has_ended(records, best, epochs=5)
    assert not has_ended(records[:1], best, epochs=5)
