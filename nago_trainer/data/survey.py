"""The report on a dataset: all that is wrong with it at once, how much there is of what, and what was left out.

Called by `catalogue`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nago_trainer.contract.data_report import BrokenImage, ClassCount, DataReport, printable
from nago_trainer.contract.data_source import DataSource
from nago_trainer.data.duplicates import duplicate_hints
from nago_trainer.data.examination import DECODED_ONCE, Examined, Manner, examine_all
from nago_trainer.data.fingerprint import changes_since, fingerprint_of, keep_manifest, manifest_of
from nago_trainer.data.images import DatasetDescription
from nago_trainer.data.listing import Listing, class_counts, divided, listing_problems
from nago_trainer.data.picture import read_digest
from nago_trainer.data.pixel_types import refuse_unscaled
from nago_trainer.data.split import share_count
from nago_trainer.errors import DataError

LISTED_BROKEN = 100
"""Broken images that are named; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a survey may use of earlier ones."""

    kept: Path | None = None
    """A file for what is found of each image, so that it need not be read again."""
    since: str | None = None
    """A former fingerprint: what has changed since is looked up beside `kept`."""
    manner: Manner = DECODED_ONCE


AS_USUAL = Look()


def survey_files(listing: Listing, source: DataSource, look: Look = AS_USUAL) -> DataReport:
    """Every image is decoded, or was so before (`examination`)."""
    kept, since = look.kept, look.since
    examined = examine_all(listing.files, kept, look.manner)
    whole = [each for each in examined if each.broken is None]
    broken = [
        BrokenImage(file=printable(str(file)), why=printable(each.broken))
        for file, each in zip(listing.files, examined, strict=True)
        if each.broken
    ]
    by_size = sorted(whole, key=lambda each: each.width * each.height)
    digests = (*(each.digest for each in examined), *map(read_digest, listing.lists))
    manifest = manifest_of(listing.root, (*listing.files, *listing.lists), digests)
    fingerprint = fingerprint_of(manifest)
    if kept is not None:
        keep_manifest(kept.parent, manifest, fingerprint)
    readable = _divided(_readable(listing, examined), source)
    counts = _class_counts(readable)
    return DataReport(
        channels=1 if all(each.grey for each in whole) else 3,
        images=sum(count.images for count in counts),
        training=sum(count.training for count in counts),
        validation=sum(count.validation for count in counts),
        test=sum(count.test for count in counts),
        classes=counts,
        smallest=(by_size[0].width, by_size[0].height) if by_size else None,
        largest=(by_size[-1].width, by_size[-1].height) if by_size else None,
        left_out=listing.left_out,
        broken=tuple(broken[:LISTED_BROKEN]),
        broken_count=len(broken),
        problems=(*map(printable, listing_problems(listing, source)), *_unscaled(whole, listing.root)),
        hints=tuple(map(printable, listing.hints)),
        duplicates=tuple(
            map(printable, duplicate_hints(readable, [each.digest for each in whole], [each.look for each in whole]))
        ),
        fingerprint=fingerprint,
        changes=changes_since(kept.parent, since, manifest) if kept is not None and since is not None else (),
    )


def _readable(listing: Listing, examined: Sequence[Examined]) -> Listing:
    """Without the broken images."""
    whole = [number for number, each in enumerate(examined) if each.broken is None]
    files = tuple(listing.files[number] for number in whole)
    groups = None if listing.groups is None else listing.groups[whole]
    return replace(listing, files=files, labels=listing.labels[whole], parts=listing.parts[whole], groups=groups)


def _divided(listing: Listing, source: DataSource) -> Listing:
    """As far as it can be."""
    try:
        return divided(listing, source)
    except DataError:
        return listing


def survey_of(described: DatasetDescription, source: DataSource, labels: Sequence[int] | None = None) -> DataReport:
    """Of a dataset whose images are no files of the user's. Without labels, every class has as many images."""
    classes, images = described.classes, described.images
    members = [images // classes] * classes if labels is None else [labels.count(each) for each in range(classes)]
    counts = tuple(_counted(name, count, source) for name, count in zip(described.class_names, members, strict=True))
    return DataReport(
        channels=described.channels,
        images=sum(count.images for count in counts),
        training=sum(count.training for count in counts),
        validation=sum(count.validation for count in counts),
        test=sum(count.test for count in counts),
        classes=counts,
        smallest=(described.size, described.size),
        largest=(described.size, described.size),
    )


def _class_counts(listing: Listing) -> tuple[ClassCount, ...]:
    counts = class_counts(listing)
    return tuple(
        ClassCount(
            name=printable(name), images=training + validation, training=training, validation=validation, test=test
        )
        for name, (training, validation, test) in zip(listing.class_names, counts.T.tolist(), strict=True)
    )


def _counted(name: str, images: int, source: DataSource) -> ClassCount:
    test = share_count(images, source.test_fraction, left=2) if source.test_fraction else 0
    validation = share_count(images - test, source.validation_fraction)
    training = images - test - validation
    return ClassCount(name=name, images=training + validation, training=training, validation=validation, test=test)


def _unscaled(whole: Sequence[Examined], path: Path) -> tuple[str, ...]:
    try:
        refuse_unscaled((each.peak for each in whole), path)
    except DataError as error:
        return (str(error),)
    return ()
