from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nago_orchestrator.executors.kubernetes.manifest.resources import training_bytes
from nago_trainer.contract.task import TrialTask
from tests.studies import small_task


def _of_cifar(size: int) -> TrialTask:
    task = small_task()
    return replace(task, dataset=replace(task.dataset, name="cifar10", path="/data", image_size=size))


@pytest.mark.parametrize("on_gpu", [True, False])
def test_the_images_count_at_their_size(on_gpu: bool) -> None:
    small, large = (_of_cifar(size) for size in (32, 256))
    images = 50_000 * 256 * 256
    assert training_bytes(large, on_gpu=on_gpu) - training_bytes(small, on_gpu=on_gpu) >= 1.3 * images - 2**28
    assert training_bytes(small, on_gpu=True) == training_bytes(small_task(), on_gpu=True)


def test_parts_of_a_batch_need_less_and_further_copies_of_the_weights_more() -> None:
    def needed(**options: Any) -> int:
        task = small_task()
        return training_bytes(replace(task, training=replace(task.training, **options)), on_gpu=False)

    copy = round(1.5 * 4 * small_task().parameters)
    assert needed(accumulate=True, micro_batch_size=2) < needed()
    assert needed(optimizer="adamw", ema_decay=0.9, keep="best") - needed() == pytest.approx(4 * copy, abs=1)


def test_prepared_images_beyond_their_memory_count_as_the_batches_that_are_read_ahead() -> None:
    def needed(images: int, **changes: Any) -> int:
        task = small_task()
        large = replace(task.dataset, name="folder", path="/data", image_size=224, channels=3, images=images)
        return training_bytes(replace(task, dataset=replace(large, **changes)), on_gpu=True)

    image = 3 * 224 * 224
    assert needed(20_000) - needed(0) == round(1.3 * 20_000 * image) - 2**28
    assert needed(20_000, prepared="/prepared") - needed(0) < 1.01 * 20_000 * image - 2**28
    assert needed(40_000, prepared="/prepared") < needed(0) + 2**28
    assert needed(20_000, prepared="/prepared", memory=10**9) < needed(0) + 2**28
