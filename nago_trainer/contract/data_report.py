"""What `nago-train check-data` says of a dataset: how much there is of what, what is left out, what is broken."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from nago_trainer.contract.json_form import ContractError

DATA_CHANGED = "DataChanged"
"""The reason of an attempt that found other images than its study began with."""
HIDDEN = "hidden"
SYSTEM_FOLDER = "folder of the system"
EXPECTED_LEFT_OUT = frozenset({HIDDEN, SYSTEM_FOLDER})
"""Reasons that are no cause for doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount:
    name: str
    images: int
    training: int
    """Of the images, those that a search trains on."""
    validation: int
    test: int = 0
    """Beside them: never seen by a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Files and folders that are there and are no part of the dataset."""

    reason: str
    count: int
    examples: tuple[str, ...]
    """Some of their paths, from the dataset's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenImage:
    file: str
    why: str
    """One sentence, which names the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    channels: int
    images: int
    """For training and validation together, broken ones left out; a test set is not counted."""
    training: int
    validation: int
    classes: tuple[ClassCount, ...]
    smallest: tuple[int, int] | None
    """Width and height of the image with the fewest pixels."""
    largest: tuple[int, int] | None
    left_out: tuple[LeftOut, ...] = ()
    broken: tuple[BrokenImage, ...] = ()
    """The first ones."""
    broken_count: int = 0
    problems: tuple[str, ...] = ()
    """Beside broken images: why the dataset cannot be trained on; one sentence each."""
    hints: tuple[str, ...] = ()
    """What is allowed, and probably not meant."""
    fingerprint: str | None = None
    """Of names and contents of all images; None for a published dataset, which is always the same."""
    changes: tuple[str, ...] = ()
    """Since the folder had the fingerprint that was asked about, in a few words each."""
    duplicates: tuple[str, ...] = ()
    """Images that are in two parts, as the same file or almost; one sentence each."""
    test: int = 0
    """Test images that final training can be measured on; 0 for a published dataset, of which they are known."""

    @property
    def left_out_count(self) -> int:
        return sum(found.count for found in self.left_out)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises ContractError for another form."""
        try:
            values = {
                **data,
                "classes": tuple(ClassCount(**each) for each in data["classes"]),
                "left_out": tuple(
                    LeftOut(**{**each, "examples": tuple(each["examples"])}) for each in data["left_out"]
                ),
                "broken": tuple(BrokenImage(**each) for each in data["broken"]),
                "problems": tuple(data["problems"]),
                "hints": tuple(data["hints"]),
                "changes": tuple(data["changes"]),
                "duplicates": tuple(data.get("duplicates", ())),
                "smallest": None if data["smallest"] is None else tuple(data["smallest"]),
                "largest": None if data["largest"] is None else tuple(data["largest"]),
            }
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ContractError(f"no report of a dataset: {error}") from error


def printable(name: str) -> str:
    """The name of a file need not be text, and what a decoder says of its contents may have NUL in it."""
    return os.fsencode(name).decode("utf-8", "replace").replace("\0", "\ufffd")
