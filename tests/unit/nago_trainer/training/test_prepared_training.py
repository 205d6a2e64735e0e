"""Training from prepared images gives the bits of training from memory, and takes memory for a few batches only."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nago_trainer.architecture import Architecture, TensorShape, count_parameters, fit_plan
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import IMAGE_RULES, USUAL_IMAGE_MEMORY, DatasetSettings, TrialTask
from nago_trainer.data.catalogue import load_images, survey
from nago_trainer.errors import PreemptedError
from nago_trainer.network.tensor_file import from_bytes
from nago_trainer.training.checkpoint_policy import CheckpointPolicy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.trial import run_trial

SIZE = 8
Trained = tuple[list[EpochRecord], dict[str, Any]]
"""Records and weights."""


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def of_folder(task: TrialTask, tmp_path: Path) -> TrialTask:
    """Two epochs of five steps on images of a folder, with everything that draws random numbers."""
    draws = np.random.default_rng(1)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(21):
            pixels = draws.integers(0, 256, (12, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    dataset = DatasetSettings(
        name="folder",
        path=str(tmp_path / "images"),
        image_size=SIZE,
        channels=3,
        classes=2,
        validation_fraction=0.2,
        split_seed=0,
        image_rules=IMAGE_RULES,
    )
    architecture = Architecture.from_json(task.architecture)
    width, plan = fit_plan(architecture, TensorShape(3, SIZE), 2, task.parameter_limit)
    return replace(
        task,
        dataset=replace(dataset, fingerprint=survey(DataSource.of(dataset)).fingerprint),
        width=width,
        parameters=count_parameters(plan),
        training=replace(task.training, crop_padding=1, horizontal_flip=True, cutout=2, dropout=0.3, batch_size=7),
        epochs=2,
    )


def _streamed(task: TrialTask, folder: Path) -> TrialTask:
    return replace(task, dataset=replace(task.dataset, prepared=str(folder / "prepared"), memory=1))


def _train(task: TrialTask, folder: Path, steps: float = float("inf")) -> Trained:
    """Ended after so many steps by PreemptedError."""
    asked, records = 0, list[EpochRecord]()

    def interrupted() -> bool:
        nonlocal asked
        asked += 1
        return asked > steps

    policy = CheckpointPolicy(folder=folder / "kept", seconds=1e9, on_training=lambda: None, interrupted=interrupted)
    context = AttemptContext(folder=folder, read_images=load_images, started=time.monotonic(), checkpoints=policy)
    torch.manual_seed(time.monotonic_ns())  # what a process draws otherwise does not matter
    run_trial(task, context, records.append)
    weights: dict[str, Any] = from_bytes((folder / "network.pt").read_bytes()).content["weights"]
    return [replace(record, seconds=0.0) for record in records], weights


def _assert_equal(
    one: tuple[list[EpochRecord], dict[str, Any]], other: tuple[list[EpochRecord], dict[str, Any]]
) -> None:
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    assert all(torch.equal(value, other[1][name]) for name, value in one[1].items())


def test_prepared_images_give_the_same_bits(of_folder: TrialTask, tmp_path: Path) -> None:
    from_memory = _train(of_folder, tmp_path / "memory")
    for prepared in (_streamed(of_folder, tmp_path), _streamed(of_folder, tmp_path)):
        _assert_equal(_train(prepared, tmp_path / "streamed"), from_memory)
        (tmp_path / "streamed" / "kept" / "checkpoint").unlink(missing_ok=True)
    whole = replace(of_folder, dataset=replace(of_folder.dataset, prepared=str(tmp_path / "prepared")))
    assert whole.dataset.memory is None
    assert USUAL_IMAGE_MEMORY > 42 * 3 * SIZE**2
    _assert_equal(_train(whole, tmp_path / "whole"), from_memory)


@pytest.mark.parametrize(("first_streamed", "then_streamed"), [(True, True), (True, False), (False, True)])
def test_a_training_goes_on_to_the_same_bits_wherever_the_images_are(
    of_folder: TrialTask, tmp_path: Path, first_streamed: bool, then_streamed: bool
) -> None:
    in_one = _train(of_folder, tmp_path / "one")
    tasks = [_streamed(of_folder, tmp_path) if each else of_folder for each in (first_streamed, then_streamed)]
    with pytest.raises(PreemptedError):
        _train(tasks[0], tmp_path / "two", steps=7)
    _assert_equal(_train(tasks[1], tmp_path / "two"), in_one)


@pytest.mark.slow
def test_memory_is_that_of_a_few_batches_whatever_the_size_of_the_set(tmp_path: Path) -> None:
    script = Path(__file__).with_name("train_within_memory.py")
    # What the C library keeps of memory that was given back differs from run to run, by up to 150 MB: here nothing.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "131072"}
    ran = subprocess.run(
        [sys.executable, script, tmp_path], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    pixels, room = map(int, ran.stdout.split())
    assert pixels > 2 * room
