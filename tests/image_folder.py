"""Folders of images, and how a task names them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from nago_trainer.contract.task import IMAGE_RULES, DatasetSettings


def settings_of(path: Path, size: int, channels: int) -> DatasetSettings:
    return DatasetSettings(
        name="folder",
        path=str(path),
        image_size=size,
        channels=channels,
        classes=2,
        validation_fraction=0.2,
        split_seed=0,
        image_rules=IMAGE_RULES,
    )


def make_images(folder: Path) -> None:
    """Two classes, cat and dog, of three colours each."""
    for number, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for shade in range(3):
            Image.new("RGB", (8, 8), (80 * shade, 100 * number, 7)).save(folder / name / f"{shade}.png")
