"""Folders of images, and how a task names them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from nago_trainer.contract.data_report import DataReport
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.task import IMAGE_RULES, DatasetSettings
from nago_trainer.data.folder import describe_files, load_files
from nago_trainer.data.folder_listing import list_folder
from nago_trainer.data.images import DatasetDescription, ImageSet
from nago_trainer.data.survey import Look, survey_files


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


def describe_folder(path: Path) -> DatasetDescription:
    return describe_files(list_folder(path))


def load_folder(path: Path, settings: DatasetSettings) -> ImageSet:
    return load_files(lambda: list_folder(path), settings)


def survey_folder(path: Path, fraction: float, kept: Path | None, since: str | None = None) -> DataReport:
    source = DataSource(name="folder", path=str(path), validation_fraction=fraction)
    return survey_files(list_folder(path), source, Look(kept=kept, since=since))


def make_images(folder: Path) -> None:
    """Two classes, cat and dog, of three colours each."""
    for number, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for shade in range(3):
            Image.new("RGB", (8, 8), (80 * shade, 100 * number, 7)).save(folder / name / f"{shade}.png")
