from __future__ import annotations

import pytest
import torch
from torch import nn

from nago_trainer.errors import InfeasibleError
from nago_trainer.training.batch_size import within_memory

REFUSALS = [
    torch.cuda.OutOfMemoryError("CUDA out of memory."),
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes."),
]


class _Device:
    """Has memory for so many images."""

    def __init__(self, room: int, refusal: Exception) -> None:
        self.tried: list[int] = []
        self._room = room
        self._refusal = refusal

    def first_epoch(self, batch_size: int) -> str:
        self.tried.append(batch_size)
        if batch_size > self._room:
            raise self._refusal
        return "trained"


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
def test_the_batch_is_halved_until_it_fits(refusal: Exception) -> None:
    device = _Device(room=9, refusal=refusal)
    assert within_memory(device.first_epoch, 64) == "trained"
    assert device.tried == [64, 32, 16, 8]


@pytest.mark.slow
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_network_that_does_not_fit_with_one_image_is_infeasible(refusal: Exception) -> None:
    device = _Device(room=0, refusal=refusal)
    with pytest.raises(InfeasibleError, match="even with batch size 1"):
        within_memory(device.first_epoch, 5)
    assert device.tried == [5, 2, 1]


def test_halving_ends_at_the_smallest_batch(capsys: pytest.CaptureFixture[str]) -> None:
    device = _Device(room=7, refusal=MemoryError())
    with pytest.raises(InfeasibleError, match="even with batch size 12"):
        within_memory(device.first_epoch, 40, 12)
    assert device.tried == [40, 20, 12]
    assert "out of memory with batch size 40: trying 20" in capsys.readouterr().err


def test_a_real_allocation_that_is_refused_counts() -> None:
    assert len(within_memory(lambda batch_size: torch.empty(2**55 if batch_size > 1 else 1), 2)) == 1


def test_a_network_that_shrinks_to_one_pixel_cannot_train_on_one_image() -> None:
    def first_epoch(batch_size: int) -> None:
        nn.BatchNorm2d(1)(torch.zeros(batch_size, 1, 1, 1))
        raise MemoryError

    with pytest.raises(InfeasibleError, match="reduces images to one pixel"):
        within_memory(first_epoch, 2)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("no"), KeyError("no")])
def test_other_errors_are_passed_on(error: Exception) -> None:
    device = _Device(room=0, refusal=error)
    with pytest.raises(type(error)):
        within_memory(device.first_epoch, 4)
    assert device.tried == [4]
