"""A data check on another machine: what the trainer is asked about a dataset, and what it answers.

The answer has to fit into a termination message. It is therefore compressed, and lists that are too long are cut: the
numbers in it are of all images all the same.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from nago_trainer.contract.data_report import DataReport, LeftOut
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.json_form import ContractError, build, encode_known, read_json
from nago_trainer.contract.task import DatasetSettings

QUESTION_VARIABLE = "NAGO_DATA_QUESTION"
"""JSON form of a `DataQuestion`."""
LARGEST_ANSWER = 2**20
"""Bytes, once it is unpacked."""
MOST = 2**53
"""Images of a dataset, and pixels of a side: any number that JSON keeps exactly."""
OTHER_REASONS = "other reasons"
_STEPS = ((10**6, 10**4), (1000, 500), (300, 300), (100, 300), (30, 200), (10, 100), (3, 60), (1, 20))
"""Items of a list, and characters of a text, that are tried one after the other until the answer is short enough."""
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQuestion:
    source: DataSource
    kept: str
    """Name of the file in which the trainer keeps what it found of each image, where it has a place that lasts."""
    since: str | None
    """A former fingerprint, to say what has changed."""
    anew: bool = False
    """Whether there is a doubt that what was kept does not settle."""
    prepare: DatasetSettings | None = None
    """Those of a trial, where the images are to be prepared for it."""

    def to_json(self) -> dict[str, Any]:
        """One object, with the fields of the source beside the others."""
        own: dict[str, Any] = {"kept": self.kept, "since": self.since, "anew": self.anew}
        if self.prepare is not None:
            own["prepare"] = encode_known(self.prepare)
        return {**self.source.to_json(), **own}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form."""
        if not isinstance(data, dict):
            raise ContractError(f"the question must be an object, found {type(data).__name__}")
        own = {name: value for name, value in data.items() if name in cls.__dataclass_fields__ and name != "source"}
        source = {name: value for name, value in data.items() if name not in own}
        if own.get("prepare") is not None:
            own["prepare"] = build(DatasetSettings, own["prepare"])
        return build(cls, {**own, "source": DataSource.from_json(source)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAnswer:
    report: DataReport
    """With the first items of each list."""
    classes: int
    """How many there are, also where not all are listed."""

    def packed(self, characters: int) -> str:
        """As ASCII text of at most so many characters, if it can be had by cutting lists and texts."""
        text = ""
        for items, length in _STEPS:
            text = _pack({"report": _cut(self.report, items, length).to_json(), "classes": self.classes})
            if len(text) <= characters:
                break
        return text

    @classmethod
    def unpacked(cls, text: Any) -> Self:
        """Raises ContractError for another form, and for numbers that no dataset can have."""
        content = _unpack(text)
        if not isinstance(content, dict) or content.keys() != {"report", "classes"}:
            raise ContractError("the answer about the images has another form")
        if not isinstance(content["report"], dict):
            raise ContractError("the answer about the images has no report")
        answer = cls(report=DataReport.from_json(content["report"]), classes=content["classes"])
        problem = answer.problem()
        if problem is not None:
            raise ContractError(problem)
        return answer

    def problem(self) -> str | None:
        """What no examination can have found, as one clause; None for an answer that may be true."""
        report = self.report
        if not all(type(count) is int and 0 <= count <= MOST for count in (self.classes, *_counts(report))):
            return "a count in the data check is not an integer from 0 to 2^53"
        if report.channels not in (1, 3):
            return "channels must be 1 or 3"
        if not all(map(_is_text, _texts(report))):
            return "a text in the data check is not a string that can be stored"
        if report.fingerprint is None or not _is_fingerprint(report.fingerprint):
            return "the fingerprint is missing or malformed"
        return None


def _counts(report: DataReport) -> Iterator[Any]:
    yield from (report.images, report.training, report.validation, report.test, report.broken_count)
    yield from (*(report.smallest or ()), *(report.largest or ()), *(found.count for found in report.left_out))
    for each in report.classes:
        yield from (each.images, each.training, each.validation, each.test)


def _texts(report: DataReport) -> Iterator[Any]:
    yield from (*report.problems, *report.hints, *report.changes, *report.duplicates)
    for found in report.left_out:
        yield from (found.reason, *found.examples)
    yield from (each.name for each in report.classes)
    for broken in report.broken:
        yield from (broken.file, broken.why)


def _is_text(found: object) -> bool:
    """That can be stored: half a surrogate pair can be written in JSON, and in no UTF-8."""
    if not isinstance(found, str) or "\0" in found:
        return False
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_fingerprint(found: object) -> bool:
    return isinstance(found, str) and _FINGERPRINT.fullmatch(found) is not None


def _pack(content: Any) -> str:
    whole = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(whole, level=9)).decode()


def _unpack(text: Any) -> Any:
    """Raises ContractError, also for what would fill the memory."""
    if not isinstance(text, str):
        raise ContractError("the answer about the images is no text")
    try:
        engine = zlib.decompressobj()
        whole = engine.decompress(base64.b64decode(text, validate=True), LARGEST_ANSWER)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise ContractError("the answer about the images cannot be unpacked") from error
    if not engine.eof:
        raise ContractError("the answer about the images is cut off or too long")
    return read_json(whole)


def _cut(report: DataReport, items: int, length: int) -> DataReport:
    def short(text: str) -> str:
        return text if len(text) <= length else f"{text[: length - 1]}…"

    def first(found: Sequence[_T]) -> tuple[_T, ...]:
        return tuple(found[:items])

    return replace(
        report,
        classes=tuple(replace(each, name=short(each.name)) for each in first(report.classes)),
        left_out=_cut_left_out(report.left_out, items, length),
        broken=tuple(replace(each, file=short(each.file), why=short(each.why)) for each in first(report.broken)),
        problems=tuple(map(short, first(report.problems))),
        hints=tuple(map(short, first(report.hints))),
        changes=tuple(map(short, first(report.changes))),
        duplicates=tuple(map(short, first(report.duplicates))),
    )


def _cut_left_out(left_out: Sequence[LeftOut], items: int, length: int) -> tuple[LeftOut, ...]:
    """The most frequent reasons come first; the others are counted together."""
    named = [
        replace(found, reason=found.reason[:length], examples=tuple(text[:length] for text in found.examples[:items]))
        for found in left_out[:items]
    ]
    others = sum(found.count for found in left_out[items:])
    return (*named, LeftOut(reason=OTHER_REASONS, count=others, examples=())) if others else tuple(named)
