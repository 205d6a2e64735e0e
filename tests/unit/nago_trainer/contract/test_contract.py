"""What orchestrator and trainer hand to each other survives its JSON form, and nothing else is taken."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields, make_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nago_trainer.contract.exit_codes import ExitCode
from nago_trainer.contract.json_form import ContractError, build, encode_number
from nago_trainer.contract.reports import OPTIONAL, EpochRecord, TrialResult
from nago_trainer.contract.task import (
    CONTRACT_VERSION,
    FORMER_IMAGE_RULES,
    IMAGE_RULES,
    TEST,
    WORDS,
    DatasetSettings,
    TrainingSettings,
    TrialTask,
)

losses = st.floats(min_value=0) | st.just(math.nan)
shares = st.floats(0, 1)

RESULT = TrialResult(
    validation_accuracy=0.5,
    validation_loss=1.0,
    diverged=False,
    epochs=1,
    seconds=2.0,
    seconds_to_first_step=0.1,
    parameters=10,
    device="cpu",
    network=None,
)


def as_sent(value: dict[str, Any]) -> Any:
    """Through the text that is really written: strict JSON, in which no NaN exists."""
    return json.loads(json.dumps(value, allow_nan=False))


def same(left: object, right: object) -> bool:
    """Equal, or both NaN."""
    return left == right or (left != left and right != right)


def test_a_task_arrives_as_it_was_sent(task: TrialTask) -> None:
    assert TrialTask.from_json(as_sent(task.to_json())) == task


@given(st.tuples(losses, shares, losses, shares, shares, st.floats(0, 1e6)))
def test_an_epoch_keeps_every_number_also_those_that_json_lacks(values: tuple[float, ...]) -> None:
    names = [
        "training_loss",
        "training_accuracy",
        "validation_loss",
        "validation_accuracy",
        "learning_rate",
        "seconds",
    ]
    record = EpochRecord(epoch=1, **dict(zip(names, values, strict=True)))
    arrived = EpochRecord.from_json(as_sent(record.to_json()))
    assert all(same(getattr(arrived, name), getattr(record, name)) for name in names)


def test_an_epoch_is_told_in_one_line() -> None:
    record = EpochRecord(
        epoch=3,
        training_loss=1.23456,
        training_accuracy=0.5,
        validation_loss=math.inf,
        validation_accuracy=0.25,
        learning_rate=0.1,
        seconds=2.04,
    )
    told = "epoch 3: training loss 1.2346, validation loss inf, validation accuracy 0.2500, 2.0 s"
    assert record.in_words() == told


@pytest.mark.parametrize("loss", [math.inf, 0.5, 3.0])
def test_a_result_arrives_as_it_was_sent(loss: float) -> None:
    result = TrialResult(
        validation_accuracy=0.0,
        validation_loss=loss,
        diverged=math.isinf(loss),
        epochs=1,
        seconds=2.0,
        seconds_to_first_step=0.1,
        parameters=10,
        device="cpu",
        network=None,
    )
    arrived = TrialResult.from_json(as_sent(result.to_json()))
    assert arrived == result
    assert type(arrived.validation_loss) is float


def test_a_result_without_measures_has_the_form_of_before() -> None:
    before = RESULT
    assert not before.to_json().keys() & set(OPTIONAL)
    assert TrialResult.from_json(before.to_json()) == before
    measured = replace(before, balanced_accuracy=0.25, macro_f1=0.5, top_5=1.0, worst_class=0.0, custom=1e12)
    assert TrialResult.from_json(as_sent(measured.to_json())) == measured
    for name in OPTIONAL[:-1]:
        for wrong in (1.5, -0.1, math.nan):
            changes: dict[str, Any] = {name: wrong}
            assert replace(before, **changes).problem() == f"{name} must be between 0 and 1"


@pytest.mark.parametrize(
    ("custom", "diverged", "taken"),
    [
        (0.0, False, True),
        (1e12, True, True),
        (math.nan, True, True),
        (math.nan, False, False),
        (math.inf, False, False),
        (math.inf, True, False),
        (-math.inf, True, False),
        (-0.1, False, False),
        (1e13, False, False),
    ],
)
def test_an_objective_of_one_s_own_is_in_its_range_or_nan_where_the_training_diverged(
    custom: float, diverged: bool, taken: bool
) -> None:
    found = replace(RESULT, custom=custom, diverged=diverged).problem()
    assert found == (None if taken else "custom must be between 0 and 1,000,000,000,000")


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (0.25, 0.25)]
)
def test_numbers_that_json_lacks_are_words_that_python_reads_back(value: float, text: float | str) -> None:
    assert encode_number(value) == text
    assert same(float(text), value)


@pytest.mark.parametrize("version", [CONTRACT_VERSION + 1, 0, None, "1"])
def test_a_task_of_another_version_is_refused_by_its_number(task: TrialTask, version: object) -> None:
    with pytest.raises(ContractError, match=f"version {version}, and this trainer supports version {CONTRACT_VERSION}"):
        TrialTask.from_json({**task.to_json(), "version": version})


@pytest.mark.parametrize("path", [(), ("dataset",), ("training",)])
@pytest.mark.parametrize("missing", [True, False])
def test_a_missing_and_an_unknown_key_are_named(task: TrialTask, path: tuple[str, ...], missing: bool) -> None:
    data = task.to_json()
    place = data[path[0]] if path else data
    name = list(place)[-1] if missing else "surprise"
    if missing:
        del place[name]
    else:
        place[name] = 1
    with pytest.raises(ContractError, match=name):
        TrialTask.from_json(data)


@pytest.mark.parametrize("data", [None, [], "task", 3])
def test_what_is_no_object_is_no_task(data: Any) -> None:
    with pytest.raises(ContractError):
        TrialTask.from_json(data)
    with pytest.raises(ContractError):
        EpochRecord.from_json(data)


def test_a_task_of_a_search_can_be_read_by_trainers_that_know_no_test_images(task: TrialTask) -> None:
    assert "measured_on" not in task.to_json()["dataset"]
    final = replace(task, dataset=replace(task.dataset, measured_on=TEST))
    assert TrialTask.from_json(as_sent(final.to_json())) == final


def test_only_a_task_by_other_rules_names_them(task: TrialTask) -> None:
    assert "image_rules" not in task.to_json()["dataset"]
    assert TrialTask.from_json(as_sent(task.to_json())).dataset.image_rules == FORMER_IMAGE_RULES
    new = replace(task, dataset=replace(task.dataset, image_rules=IMAGE_RULES))
    assert TrialTask.from_json(as_sent(new.to_json())) == new


KEYS_OF_THE_FIRST_VERSION = {
    DatasetSettings: "name path image_size channels classes validation_fraction split_seed",
    TrainingSettings: "batch_size learning_rate momentum weight_decay gradient_clip label_smoothing dropout "
    "crop_padding horizontal_flip cutout",
}


@pytest.mark.parametrize("kind", KEYS_OF_THE_FIRST_VERSION, ids=lambda kind: kind.__name__)
def test_a_setting_that_is_new_has_a_default(kind: type[Any]) -> None:
    """By which trainers of before act, who are not told of it."""
    needed = {item.name for item in fields(kind) if item.default is MISSING}
    assert needed == set(KEYS_OF_THE_FIRST_VERSION[kind].split())


@pytest.mark.parametrize("name", [item.name for item in fields(TrainingSettings) if item.default is not MISSING])
def test_a_trainer_of_before_refuses_a_setting_that_it_does_not_know(task: TrialTask, name: str) -> None:
    assert name not in task.to_json()["training"]
    known = WORDS.get(name, ("",))[-1]
    other: dict[str, Any] = {"int": 7, "float": 0.5, "bool": True, "str": known, "str | None": "other"}
    other["tuple[str, ...]"] = ("macro_f1", "top_5")
    (kind,) = {str(item.type) for item in fields(TrainingSettings) if item.name == name}
    changed = replace(task, training=replace(task.training, **{name: other[kind]}))
    assert TrialTask.from_json(as_sent(changed.to_json())) == changed
    of_before = make_dataclass("TrainingOfBefore", KEYS_OF_THE_FIRST_VERSION[TrainingSettings].split())
    with pytest.raises(ContractError, match=name):
        build(of_before, as_sent(changed.to_json()["training"]))
    build(of_before, as_sent(task.to_json()["training"]))


@pytest.mark.parametrize(
    ("section", "name"),
    [("dataset", "measured_on"), *(("training", item.name) for item in fields(TrainingSettings) if item.type == "str")],
)
def test_a_word_of_a_newer_version_is_refused_by_name(task: TrialTask, section: str, name: str) -> None:
    data = task.to_json()
    data[section][name] = "newer"
    with pytest.raises(ContractError, match=f"{name} is 'newer', and this trainer supports {', '.join(WORDS[name])}"):
        TrialTask.from_json(data)


@pytest.mark.parametrize("measures", [["macro_f1", "of_a_newer_version"], "macro_f1", [["macro_f1"]], None])
def test_a_measure_that_this_trainer_does_not_report_is_refused_with_its_task(task: TrialTask, measures: Any) -> None:
    data = task.to_json()
    with pytest.raises(ContractError, match="measures "):
        TrialTask.from_json({**data, "training": {**data["training"], "measures": measures}})


@pytest.mark.parametrize("section", ["dataset", "training"])
def test_a_section_has_to_be_an_object(task: TrialTask, section: str) -> None:
    with pytest.raises(ContractError):
        TrialTask.from_json({**task.to_json(), section: None})


def test_exit_codes_are_told_apart_and_none_is_that_of_a_signal() -> None:
    assert len(ExitCode) == len(ExitCode.__members__), "two names of one number are one member"
    assert max(ExitCode) < 128


def test_values_are_frozen(task: TrialTask) -> None:
    assert replace(task, attempt=3) != task
    with pytest.raises(AttributeError):
        task.attempt = 3  # type: ignore[misc]  # what must not be possible
