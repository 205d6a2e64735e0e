from __future__ import annotations

import base64
import json
import random
import zlib
from dataclasses import replace
from typing import Any

import pytest

from nago_trainer.contract.data_check import LARGEST_ANSWER, OTHER_REASONS, DataAnswer, DataQuestion
from nago_trainer.contract.data_report import BrokenImage, ClassCount, DataReport, LeftOut, printable
from nago_trainer.contract.data_source import DataSource
from nago_trainer.contract.json_form import ContractError

REPORT = DataReport(
    channels=3,
    images=60,
    training=48,
    validation=12,
    classes=tuple(ClassCount(name=name, images=30, training=24, validation=6) for name in ("cat", "dog")),
    smallest=(8, 9),
    largest=(800, 600),
    left_out=(LeftOut(reason="suffix .heic", count=4, examples=("cat/a.heic",)),),
    broken=(BrokenImage(file="cat/b.png", why="cannot read the image (cat/b.png)"),),
    broken_count=1,
    problems=("a problem",),
    hints=("a hint",),
    fingerprint="0123456789abcdef" * 4,
    changes=("the class 'owl' was removed",),
)
ROOM = 4000


def noise(length: int) -> str:
    """That no compression makes smaller, six bytes for each character in JSON."""
    source = random.Random(length)
    return "".join(map(chr, source.choices(range(0x4E00, 0x9FFF), k=length)))


def test_an_answer_that_fits_is_read_back_whole() -> None:
    answer = DataAnswer(report=REPORT, classes=2)
    assert DataAnswer.unpacked(answer.packed(ROOM)) == answer


def test_an_answer_that_is_too_long_keeps_its_numbers_and_the_first_of_everything() -> None:
    one = noise(200)
    many = replace(
        REPORT,
        classes=tuple(ClassCount(name=noise(50 + i % 100), images=9, training=7, validation=2) for i in range(1000)),
        left_out=tuple(LeftOut(reason=noise(i + 1), count=5, examples=(one,) * 3) for i in range(100)),
        broken=tuple(BrokenImage(file=noise(300), why=noise(300 + i)) for i in range(100)),
        broken_count=12_345,
        problems=tuple(noise(400 + i) for i in range(100)),
        changes=tuple(noise(400 + i) for i in range(4)),
    )
    packed = DataAnswer(report=many, classes=1000).packed(ROOM)
    assert len(packed) <= ROOM
    found = DataAnswer.unpacked(packed)
    assert found.classes == 1000
    assert (found.report.images, found.report.broken_count, found.report.fingerprint) == (60, 12_345, many.fingerprint)
    assert found.report.left_out_count == many.left_out_count
    assert found.report.left_out[-1].reason == OTHER_REASONS
    assert found.report.problems[0][:-1] == many.problems[0][: len(found.report.problems[0]) - 1]
    assert found.report.broken
    assert found.report.changes


def test_a_thousand_classes_of_usual_names_are_mostly_listed() -> None:
    classes = tuple(
        ClassCount(name=f"n{number:08d}", images=1300, training=1040, validation=260) for number in range(1000)
    )
    found = DataAnswer.unpacked(DataAnswer(report=replace(REPORT, classes=classes), classes=1000).packed(ROOM))
    assert len(found.report.classes) >= 300


def _packed(content: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()


def _changed(**changes: Any) -> str:
    return _packed({"report": {**json.loads(json.dumps(REPORT.to_json())), **changes}, "classes": 2})


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "no base64!",
        base64.b64encode(b"no zlib").decode(),
        _packed([]),
        _packed({"report": {}, "classes": 2}),
        _packed({"report": None, "classes": 2}),
        _packed({"report": REPORT.to_json(), "classes": True}),
        _packed({"report": REPORT.to_json(), "classes": -1}),
        _packed(" " * (LARGEST_ANSWER + 1)),
        DataAnswer(report=REPORT, classes=2).packed(ROOM)[:-8],
        _changed(images=-1),
        _changed(images=1e300),
        _changed(images="60"),
        _changed(channels=7),
        _changed(fingerprint=None),
        _changed(fingerprint="x"),
        _changed(problems=[7]),
        _changed(smallest=["a", 1]),
        _changed(classes=[{"name": 1, "images": 1, "training": 1, "validation": 0}]),
        _changed(left_out=[{"reason": "x", "count": None, "examples": []}]),
        _changed(left_out=[{"reason": "\ud800", "count": 1, "examples": []}]),
        _changed(left_out=[{"reason": "x", "count": 1, "examples": [7]}]),
        _changed(classes=[{"name": "\udfff", "images": 1, "training": 1, "validation": 0}]),
        _changed(broken=[{"file": None, "why": "x"}]),
        _changed(hints=["a\0b"]),
    ],
)
def test_an_answer_that_cannot_be_true_is_refused(text: Any) -> None:
    with pytest.raises(ContractError):
        DataAnswer.unpacked(text)


def test_a_question_is_read_back() -> None:
    question = DataQuestion(
        source=DataSource(name="folder", path="/data/a", validation_fraction=0.2), kept="x.json", since=None
    )
    assert DataQuestion.from_json(json.loads(json.dumps(question.to_json()))) == question
    with pytest.raises(ContractError):
        DataQuestion.from_json({"name": "folder"})


def test_what_a_decoder_says_of_a_file_is_made_text_that_is_taken() -> None:
    broken = BrokenImage(file=printable("cat/\udcff.png"), why=printable("bad chunk \0 (cat/\udcff.png)"))
    answer = DataAnswer(report=replace(REPORT, broken=(broken,)), classes=2)
    assert DataAnswer.unpacked(answer.packed(ROOM)) == answer
