"""A training in two attempts gives the very bits of a training in one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from nago_trainer.contract.reports import EpochRecord, TrialResult
from nago_trainer.contract.task import TrialTask
from nago_trainer.data.catalogue import load_images
from nago_trainer.errors import PreemptedError
from nago_trainer.network.tensor_file import from_bytes
from nago_trainer.training.checkpoint_policy import CheckpointPolicy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.loop import train_epoch
from nago_trainer.training.state import TrainingState
from nago_trainer.training.trial import run_trial

STEPS = 23
"""An epoch's, with digits and batches of 64."""


_images = cache(load_images)


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def long_task(task: TrialTask) -> TrialTask:
    """With everything that draws random numbers: dropout, crop, flip, cutout, and the order of the images."""
    recipe = replace(task.training, dropout=0.3, horizontal_flip=True, cutout=2, label_smoothing=0.1)
    return replace(task, epochs=4, training=recipe)


class Trainer:
    """Attempts at one trial, each ended after so many steps."""

    def __init__(self, folder: Path) -> None:
        self.shared_folder = folder / "kept"
        self.asked = 0
        """How often the last attempt was asked whether it goes on: once before each step."""
        self._folder = folder

    def policy(self, steps: float, seconds: float = 1e9) -> CheckpointPolicy:
        self.asked = 0

        def interrupted() -> bool:
            self.asked += 1
            return self.asked > steps

        return CheckpointPolicy(
            folder=self.shared_folder, seconds=seconds, on_training=lambda: None, interrupted=interrupted
        )

    def train(
        self, task: TrialTask, policy: CheckpointPolicy | None, started: float | None = None
    ) -> tuple[TrialResult, list[EpochRecord], dict[str, Any]]:
        """Result, epochs and weights."""
        records: list[EpochRecord] = []
        torch.manual_seed(time.monotonic_ns())  # what a process draws otherwise does not matter
        context = AttemptContext(
            folder=self._folder,
            read_images=_images,
            started=time.monotonic() if started is None else started,
            checkpoints=policy,
        )
        result = run_trial(task, context, records.append)
        weights = from_bytes((self._folder / "network.pt").read_bytes()).content["weights"]
        return result, [replace(record, seconds=0.0) for record in records], weights

    def interrupt(self, task: TrialTask, *, after: float, seconds: float = 1e9) -> None:
        with pytest.raises(PreemptedError):
            self.train(task, self.policy(after, seconds))

    @property
    def checkpoint(self) -> Path:
        return self.shared_folder / "checkpoint"


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(tmp_path)


def _same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.slow
@pytest.mark.parametrize(
    "interruptions",
    [[0], [STEPS], [4 * STEPS - 1], [5, 7, STEPS, 1, 30]],
    ids=lambda steps: "-".join(map(str, steps)),
)
def test_an_interrupted_training_ends_with_the_same_bits(
    trainer: Trainer, long_task: TrialTask, interruptions: list[int]
) -> None:
    result, records, weights = trainer.train(long_task, None)
    for steps in interruptions:
        trainer.interrupt(replace(long_task, attempt=3, token="other"), after=steps)
    resumed, all_records, same_weights = trainer.train(long_task, trainer.policy(float("inf")))
    assert trainer.asked == 4 * STEPS - sum(interruptions)
    assert all_records == records
    assert _same(weights, same_weights)
    times = {"seconds": 0.0, "seconds_to_first_step": 0.0}
    assert replace(resumed, **times) == replace(result, **times)  # type: ignore[arg-type]  # both are floats
    assert resumed.seconds > resumed.seconds_to_first_step > 0


@pytest.mark.slow
def test_an_interrupted_training_in_other_arithmetic_ends_with_the_same_bits(
    trainer: Trainer, long_task: TrialTask
) -> None:
    """fp16 also has the scale of its loss."""
    recipe = replace(long_task.training, precision="fp16", layout="channels_last", recompute=True)
    task = replace(long_task, epochs=2, training=recipe)
    _, records, weights = trainer.train(task, None)
    trainer.interrupt(task, after=STEPS + 5)
    _, all_records, same_weights = trainer.train(task, trainer.policy(float("inf")))
    assert trainer.asked == STEPS - 5
    assert all_records == records
    assert _same(weights, same_weights)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_so_does_one_with_every_option(trainer: Trainer, long_task: TrialTask, precision: str) -> None:
    options = replace(
        long_task.training,
        precision=precision,
        layout="channels_last",
        recompute=True,
        optimizer="adamw",
        learning_rate=0.01,
        warmup_epochs=1.0,
        ema_decay=0.9,
        accumulate=True,
        micro_batch_size=24,
        mixup=0.2,
        cutmix=1.0,
        randaugment=1,
        balance="sampling",
        drop_path=0.3,
        keep="best",
    )
    task = replace(long_task, epochs=2, training=options)
    result, records, weights = trainer.train(task, None)
    for steps in (5, STEPS):
        trainer.interrupt(task, after=steps)
    resumed, all_records, same_weights = trainer.train(task, trainer.policy(float("inf")))
    assert all_records == records
    assert _same(weights, same_weights)
    assert resumed.validation_accuracy == result.validation_accuracy == max(r.validation_accuracy for r in records)


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_from_its_last_epoch(trainer: Trainer, long_task: TrialTask) -> None:
    _, records, weights = trainer.train(long_task, None)
    trainer.interrupt(long_task, after=2 * STEPS, seconds=0.0)
    after_two = trainer.checkpoint.read_bytes()
    trainer.interrupt(long_task, after=5)
    trainer.checkpoint.write_bytes(after_two)  # as if the last one had not been written
    _, all_records, same_weights = trainer.train(long_task, trainer.policy(float("inf"), seconds=0.0))
    assert trainer.asked == 2 * STEPS
    assert all_records == records
    assert _same(weights, same_weights)


@pytest.mark.slow
def test_epochs_write_checkpoints_only_when_the_last_one_is_old(trainer: Trainer, long_task: TrialTask) -> None:
    trainer.train(long_task, trainer.policy(float("inf"), seconds=1e9))
    assert not trainer.checkpoint.exists()
    trainer.train(long_task, trainer.policy(float("inf"), seconds=0.0))
    assert trainer.checkpoint.exists()


@pytest.mark.slow
def test_the_time_of_earlier_attempts_counts(trainer: Trainer, long_task: TrialTask) -> None:
    with pytest.raises(PreemptedError):
        trainer.train(long_task, trainer.policy(30), started=time.monotonic() - 1000.0)
    result, _, _ = trainer.train(long_task, trainer.policy(float("inf")))
    assert 1000 < result.seconds < 1100
    assert result.seconds_to_first_step < 100


@pytest.mark.slow
def test_a_folder_that_takes_no_checkpoint_costs_no_training(
    trainer: Trainer, long_task: TrialTask, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.shared_folder.write_text("a file stands in the way")
    result, _, _ = trainer.train(long_task, trainer.policy(float("inf"), seconds=0.0))
    assert result.epochs == 4
    assert "cannot save a checkpoint in" in capsys.readouterr().err


@pytest.mark.slow
def test_a_batch_that_fits_no_more_begins_anew(
    trainer: Trainer, long_task: TrialTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt has less memory: the smaller batches are another training."""
    trainer.interrupt(long_task, after=30)

    def short_of_memory(state: TrainingState, *args: Any, **options: Any) -> EpochRecord:
        if state.batch_size > 32:
            raise MemoryError
        return train_epoch(state, *args, **options)

    # No GPU here whose memory could be taken.
    monkeypatch.setattr("nago_trainer.training.loop.train_epoch", short_of_memory)
    _, records, _ = trainer.train(long_task, trainer.policy(float("inf")))
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    small = replace(long_task, training=replace(long_task.training, batch_size=32))
    assert records == trainer.train(small, None)[1]


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [False, True])
def test_what_does_not_fit_trains_by_the_rule_of_the_recipe(
    trainer: Trainer, long_task: TrialTask, monkeypatch: pytest.MonkeyPatch, accumulate: bool
) -> None:
    """With the learning rate of the smaller batch, or in parts of the batch with its own rate."""

    def short_of_memory(state: TrainingState, *args: Any, **options: Any) -> EpochRecord:
        if state.batch_size > 32:
            raise MemoryError
        return train_epoch(state, *args, **options)

    rule = replace(long_task.training, accumulate=accumulate, reference_batch_size=16, reference_learning_rate=0.04)
    task = replace(long_task, epochs=1, training=rule)
    # No GPU here whose memory could be taken.
    monkeypatch.setattr("nago_trainer.training.loop.train_epoch", short_of_memory)
    _, records, weights = trainer.train(task, None)
    smaller = {"micro_batch_size": 32} if accumulate else {"batch_size": 32, "learning_rate": 0.06}
    by_hand = replace(task, training=replace(rule, **smaller))
    _, same_records, same_weights = trainer.train(by_hand, None)
    assert records == same_records
    assert _same(weights, same_weights)


@pytest.mark.slow
def test_memory_that_is_taken_away_later_is_no_reason_to_start_again(
    trainer: Trainer, long_task: TrialTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later epochs need no more memory than the first."""

    def short_of_memory(state: TrainingState, *args: Any, **options: Any) -> EpochRecord:
        if state.records:
            raise MemoryError
        return train_epoch(state, *args, **options)

    # No GPU here whose memory could be taken.
    monkeypatch.setattr("nago_trainer.training.loop.train_epoch", short_of_memory)
    with pytest.raises(MemoryError):
        trainer.train(long_task, None)
