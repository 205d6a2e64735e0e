"""A folder of images as a task names it."""

from __future__ import annotations

from pathlib import Path

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
