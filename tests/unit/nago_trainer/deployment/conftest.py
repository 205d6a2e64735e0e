"""A network that was trained on digits, and digits as files."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from nago_trainer.contract.attempt_files import NETWORK_FILE
from nago_trainer.contract.task import TrialTask
from nago_trainer.data.catalogue import load_images
from nago_trainer.data.digits import load_digits
from nago_trainer.network.saved_network import FORM
from nago_trainer.network.tensor_file import from_bytes, to_bytes
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.trial import run_trial

_TRAINED: dict[str, bytes] = {}
"""It is trained once; each test gets a file of its own."""


@pytest.fixture
def saved(task: TrialTask, tmp_path: Path) -> Path:
    """After three epochs."""
    file = tmp_path / NETWORK_FILE
    if file.name not in _TRAINED:
        context = AttemptContext(folder=tmp_path, read_images=load_images, started=time.monotonic())
        run_trial(replace(task, epochs=3), context, lambda _: None)
        _TRAINED[file.name] = file.read_bytes()
    file.write_bytes(_TRAINED[file.name])
    return file


@pytest.fixture
def spoilt(saved: Path) -> Path:
    """A network that makes no numbers of images."""
    content = from_bytes(saved.read_bytes()).content
    for weights in content["weights"].values():
        if weights.is_floating_point():
            weights.fill_(float("nan"))
    saved.write_bytes(to_bytes(FORM, content))
    return saved


@pytest.fixture
def digit_files(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"digit{number}.png" for number in range(20)]
    for file, pixels in zip(files, load_digits(8).pixels, strict=False):
        Image.fromarray(pixels[0]).save(file)
    return files
