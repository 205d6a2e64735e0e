from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.errors import InfeasibleError
from nago_trainer.training.batch_size import train_within_memory

REFUSALS = [
    torch.cuda.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes."),
]


def _record(epoch: int) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        training_loss=1.0,
        training_accuracy=0.5,
        validation_loss=1.0,
        validation_accuracy=0.5,
        learning_rate=0.1,
        seconds=1.0,
    )


class _Device:
    """Has memory for so many images."""

    def __init__(self, room: int, refusal: Exception) -> None:
        self.tried: list[int] = []
        self._room = room
        self._refusal = refusal

    def start(self, batch_size: int) -> Iterator[EpochRecord]:
        self.tried.append(batch_size)
        if batch_size > self._room:
            raise self._refusal
        yield _record(1)
        yield _record(2)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
def test_the_batch_is_halved_until_it_fits(refusal: Exception) -> None:
    device = _Device(room=9, refusal=refusal)
    assert [record.epoch for record in train_within_memory(device.start, 64)] == [1, 2]
    assert device.tried == [64, 32, 16, 8]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_network_that_does_not_fit_with_one_image_is_infeasible(refusal: Exception) -> None:
    device = _Device(room=0, refusal=refusal)
    with pytest.raises(InfeasibleError, match="even with one image at a time"):
        list(train_within_memory(device.start, 5))
    assert device.tried == [5, 2, 1]


def test_a_real_allocation_that_is_refused_counts() -> None:
    def start(batch_size: int) -> Iterator[EpochRecord]:
        torch.empty(2**55 if batch_size > 1 else 1)
        yield _record(1)

    assert len(list(train_within_memory(start, 2))) == 1


def test_a_network_that_shrinks_to_one_pixel_cannot_train_on_one_image() -> None:
    def start(batch_size: int) -> Iterator[EpochRecord]:
        nn.BatchNorm2d(1)(torch.zeros(batch_size, 1, 1, 1))
        if batch_size > 1:
            raise MemoryError
        yield _record(1)

    with pytest.raises(InfeasibleError, match="shrinks images to one pixel"):
        list(train_within_memory(start, 2))


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("no"), KeyError("no")])
def test_other_errors_are_passed_on(error: Exception) -> None:
    device = _Device(room=0, refusal=error)
    with pytest.raises(type(error)):
        list(train_within_memory(device.start, 4))
    assert device.tried == [4]


def test_memory_that_is_taken_away_later_is_no_reason_to_start_again() -> None:
    def start(_batch_size: int) -> Iterator[EpochRecord]:
        yield _record(1)
        raise MemoryError

    with pytest.raises(MemoryError):
        list(train_within_memory(start, 4))
