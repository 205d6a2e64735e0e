"""Tasks and folders of images for the trainer's tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nago_trainer.architecture import (
    HYPERPARAMETERS,
    HnagTheta,
    TensorShape,
    count_parameters,
    fit_plan,
    sample_architecture,
)
from nago_trainer.contract.task import CONTRACT_VERSION, DatasetSettings, TrainingSettings, TrialTask

DIGITS = DatasetSettings(
    name="digits", path=None, image_size=8, channels=1, classes=10, validation_fraction=0.2, split_seed=0
)
RECIPE = TrainingSettings(
    batch_size=64,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=3e-4,
    gradient_clip=5.0,
    label_smoothing=0.0,
    dropout=0.0,
    crop_padding=1,
    horizontal_flip=False,
    cutout=0,
)
LIMIT = 5000


@pytest.fixture
def recipe() -> TrainingSettings:
    return RECIPE


@pytest.fixture
def digits_settings() -> DatasetSettings:
    return DIGITS


@pytest.fixture
def task() -> TrialTask:
    """A network of three nodes, one epoch, on digits."""
    small = {"top_nodes": 3, "top_k": 2, "top_p": 0.5, "mid_nodes": 1, "mid_p": 0.5}
    tiny = {"bottom_nodes": 1, "bottom_k": 0, "bottom_p": 0.0}
    fixed = {item.name: item.default for item in HYPERPARAMETERS if not isinstance(item.default, tuple)}
    architecture = sample_architecture(HnagTheta.from_mapping({**fixed, **small, **tiny}), 0)
    width, plan = fit_plan(architecture, TensorShape(DIGITS.channels, DIGITS.image_size), DIGITS.classes, LIMIT)
    return TrialTask(
        version=CONTRACT_VERSION,
        study="study",
        trial=7,
        attempt=1,
        token="token",
        architecture=architecture.to_json(),
        width=width,
        parameters=count_parameters(plan),
        parameter_limit=LIMIT,
        dataset=DIGITS,
        training=RECIPE,
        epochs=1,
        seed=1,
        threads=1,
        device="cpu",
        keep_network=True,
    )


@pytest.fixture
def make_attempt(task: TrialTask, tmp_path: Path) -> Callable[..., Path]:
    """An attempt's folder whose task differs from `task` as told."""

    def make(name: str = "attempt", **changes: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "task.json").write_text(json.dumps(replace(task, **changes).to_json()), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Two classes, three colour images of 12x10 pixels each."""
    draws = np.random.default_rng(0)
    for name in ("cat", "Dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(3):
            pixels = draws.integers(0, 256, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.PNG")
    return tmp_path / "images"
