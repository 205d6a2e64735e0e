"""ImageNet (ILSVRC 2012): train/CLASS/IMAGE and val/CLASS/IMAGE, as torchvision and others lay it out.

The labels of its test images were never published; `val` is tested on, as in the literature. Called by `catalogue`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nago_trainer.contract.error_text import error_text
from nago_trainer.data.folder_listing import list_parts
from nago_trainer.data.folder_scan import files_and_folders
from nago_trainer.data.listing import TEST, TRAINING, Listing
from nago_trainer.errors import DataError

PARTS = (("train", TRAINING), ("val", TEST))
SOURCE = (
    "download ILSVRC 2012 from https://image-net.org (with an account), extract it by torchvision.datasets.ImageNet, "
    "or give a part of it as name: folder"
)


def list_imagenet(path: Path, *, classes: int = 1000) -> Listing:
    """Raises DataError or StorageError."""
    for name, _ in PARTS:
        if not (path / name).is_dir():
            raise DataError(f"the folder {name} of imagenet is missing", where=path, do=SOURCE)
        images, folders = files_and_folders(path / name)
        if images and not folders:
            raise DataError("the images are not in a folder for each class", where=path / name, do=SOURCE)
    listing = list_parts(path, PARTS)
    found = len(listing.class_names)
    if found == classes:
        return listing
    problem = error_text(f"imagenet has {classes:,} classes, and there are {found:,}", where=path / "train", do=SOURCE)
    return replace(listing, problems=(problem, *listing.problems))
