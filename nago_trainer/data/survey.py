"""The report on a dataset: all that is wrong with it at once, how much there is of what, and what was left out.

Called by `catalogue`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nago_trainer.contract.data_report import BrokenImage, ClassCount, DataReport, printable
from nago_trainer.data.examination import AS_USUAL, Examined, Manner, examine_all
from nago_trainer.data.fingerprint import changes_since, fingerprint_of, keep_manifest, manifest_of
from nago_trainer.data.folder_scan import ClassFolder, scan
from nago_trainer.data.images import DatasetDescription
from nago_trainer.data.pixel_types import refuse_unscaled
from nago_trainer.data.split import validation_count
from nago_trainer.errors import DataError

LISTED_BROKEN = 100
"""Broken images that are named; the others are counted."""


def survey_folder(
    path: Path, fraction: float, kept: Path | None, since: str | None = None, manner: Manner = AS_USUAL
) -> DataReport:
    """Every image is decoded, or was so before (`examination`). Raises DataError where there is no folder to read.

    `since`: a fingerprint that the folder had; what has changed is looked up beside `kept`.
    """
    found = scan(path)
    files = [file for folder in found.classes for file in folder.files]
    examined = examine_all(files, kept, manner)
    whole = [each for each in examined if each.broken is None]
    broken = [
        BrokenImage(file=printable(str(file)), why=printable(each.broken))
        for file, each in zip(files, examined, strict=True)
        if each.broken
    ]
    by_size = sorted(whole, key=lambda each: each.width * each.height)
    manifest = manifest_of(path, files, [each.digest for each in examined])
    fingerprint = fingerprint_of(manifest)
    if kept is not None:
        keep_manifest(kept.parent, manifest, fingerprint)
    counts = _class_counts(found.classes, examined, fraction)
    return DataReport(
        channels=1 if all(each.grey for each in whole) else 3,
        images=len(whole),
        training=sum(count.training for count in counts),
        validation=sum(count.validation for count in counts),
        classes=counts,
        smallest=(by_size[0].width, by_size[0].height) if by_size else None,
        largest=(by_size[-1].width, by_size[-1].height) if by_size else None,
        left_out=found.left_out,
        broken=tuple(broken[:LISTED_BROKEN]),
        broken_count=len(broken),
        problems=(*map(printable, found.problems), *_unscaled(whole, path)),
        hints=tuple(map(printable, found.hints)),
        fingerprint=fingerprint,
        changes=changes_since(kept.parent, since, manifest) if kept is not None and since is not None else (),
    )


def survey_of(described: DatasetDescription, fraction: float, labels: Sequence[int] | None = None) -> DataReport:
    """Of a dataset whose images are no files of the user's. Without labels, every class has as many images."""
    classes, images = described.classes, described.images
    members = [images // classes] * classes if labels is None else [labels.count(each) for each in range(classes)]
    counts = tuple(_counted(name, count, fraction) for name, count in zip(described.class_names, members, strict=True))
    return DataReport(
        channels=described.channels,
        images=images,
        training=sum(count.training for count in counts),
        validation=sum(count.validation for count in counts),
        classes=counts,
        smallest=(described.size, described.size),
        largest=(described.size, described.size),
    )


def _class_counts(
    classes: Sequence[ClassFolder], examined: Sequence[Examined], fraction: float
) -> tuple[ClassCount, ...]:
    counts, start = [], 0
    for folder in classes:
        members = examined[start : start + len(folder.files)]
        start += len(folder.files)
        counts.append(_counted(printable(folder.name), sum(each.broken is None for each in members), fraction))
    return tuple(counts)


def _counted(name: str, images: int, fraction: float) -> ClassCount:
    validation = validation_count(images, fraction) if images > 1 else 0
    return ClassCount(name=name, images=images, training=images - validation, validation=validation)


def _unscaled(whole: Sequence[Examined], path: Path) -> tuple[str, ...]:
    try:
        refuse_unscaled((each.peak for each in whole), path)
    except DataError as error:
        return (str(error),)
    return ()
