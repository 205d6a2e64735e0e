from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrialTask
from nago_trainer.network.tensor_file import from_bytes, to_bytes
from nago_trainer.training import checkpoint
from nago_trainer.training.checkpoint import Checkpoint, fingerprint
from nago_trainer.training.seeds import derive_seeds
from nago_trainer.training.state import TrainingState, initial_state
from tests.disk import disk_with_room_for

RECORD = EpochRecord(
    epoch=1,
    training_loss=float("inf"),
    training_accuracy=0.1,
    validation_loss=float("nan"),
    validation_accuracy=0.1 + 0.2,
    learning_rate=1e-5,
    seconds=1.0,
)
OTHER_TASKS: dict[str, Callable[[TrialTask], TrialTask]] = {
    "architecture": lambda task: replace(task, architecture={**task.architecture, "nodes": 4}),
    "width": lambda task: replace(task, width=task.width + 1),
    "epochs": lambda task: replace(task, epochs=task.epochs + 1),
    "seed": lambda task: replace(task, seed=task.seed + 1),
    "recipe": lambda task: replace(task, training=replace(task.training, learning_rate=0.05)),
    "dataset": lambda task: replace(task, dataset=replace(task.dataset, split_seed=4)),
}


@pytest.fixture
def state(task: TrialTask) -> TrainingState:
    return _initial(task, _network())


def _network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def _initial(task: TrialTask, network: nn.Module) -> TrainingState:
    return initial_state(network, replace(task.training, batch_size=16), derive_seeds(0))


def _saved(state: TrainingState) -> Checkpoint:
    content = copy.deepcopy(checkpoint.capture(state))
    return Checkpoint(batch_size=16, records=tuple(state.records), seconds=2.5, state=content)


@pytest.fixture
def file(task: TrialTask, state: TrainingState, tmp_path: Path) -> Path:
    path = tmp_path / "study" / "t00007" / "checkpoint"
    state.records.append(RECORD)
    checkpoint.save(state, task, path, seconds=2.5)
    return path


def test_what_was_saved_comes_back(task: TrialTask, file: Path) -> None:
    found = checkpoint.load(replace(task, attempt=2, token="another", device="auto", threads=4), file)
    assert found is not None
    assert (found.batch_size, found.seconds, [item.to_json() for item in found.records]) == (
        16,
        2.5,
        [RECORD.to_json()],
    )
    assert [item.name for item in file.parent.iterdir()] == ["checkpoint"]


def test_the_state_is_restored(task: TrialTask, state: TrainingState) -> None:
    state.records = [RECORD, RECORD]
    state.losses, state.hits = [torch.tensor(0.1), torch.tensor(0.7)], [torch.tensor(3), torch.tensor(4)]
    state.network(torch.ones(2, 1, 5, 5))  # moves the running means
    torch.rand(3, generator=state.augmentation)
    saved = _saved(state)
    drawn = torch.rand(3), torch.rand(3, generator=state.augmentation)
    fresh = checkpoint.resume(saved, lambda: _initial(task, _network()), 16)
    assert (fresh.epoch, fresh.losses, fresh.hits, fresh.earlier_seconds) == (3, state.losses, state.hits, 2.5)
    assert torch.equal(torch.rand(3), drawn[0])
    assert torch.equal(torch.rand(3, generator=fresh.augmentation), drawn[1])
    expected = state.network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in fresh.network.state_dict().items())


def test_a_state_that_does_not_fit_is_refused(
    task: TrialTask, state: TrainingState, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = _saved(state)
    with pytest.raises(ValueError, match="does not fit"):
        checkpoint.restore(_initial(task, nn.Sequential(nn.Conv2d(1, 3, 3))), saved)
    with pytest.raises(ValueError, match="does not fit"):
        checkpoint.restore(state, replace(saved, state={}))
    assert checkpoint.resume(replace(saved, state={}), lambda: _initial(task, _network()), 16).epoch == 1
    assert "does not fit: 'weights': training starts again from epoch 1" in capsys.readouterr().err


def test_a_checkpoint_of_other_batches_is_not_resumed(task: TrialTask, state: TrainingState) -> None:
    state.records = [RECORD]
    assert checkpoint.resume(_saved(state), lambda: _initial(task, _network()), 8).epoch == 1


def test_the_file_is_safetensors_with_the_rest_in_its_header(task: TrialTask, file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        assert {"state/weights/0.weight", "state/order", "state/dropout"} <= set(opened.keys())
        assert opened.metadata()["nago_form"] == "nago-checkpoint-2"
    stored = from_bytes(file.read_bytes()).content
    assert set(stored) == {"fingerprint", "batch_size", "records", "seconds", "state"}
    entries = "epoch weights optimizer order augmentation dropout dropout_cuda losses hits"
    assert set(stored["state"]) == set(entries.split())
    assert stored["state"]["epoch"] == 2


def _in_the_former_form(file: Path, content: object) -> None:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest().encode()
    file.write_bytes(b"\n".join((b"nago-checkpoint-1", digest, buffer.getvalue())))


def test_a_checkpoint_of_the_version_before_is_resumed(
    task: TrialTask, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = checkpoint.load(task, file)
    assert written is not None
    _in_the_former_form(file, from_bytes(file.read_bytes()).content)
    found = checkpoint.load(task, file)
    assert found is not None
    assert (found.batch_size, found.seconds, len(found.records)) == (16, 2.5, 1)
    assert torch.equal(found.state["weights"]["0.weight"], written.state["weights"]["0.weight"])
    file.write_bytes(file.read_bytes()[:-1])
    assert checkpoint.load(task, file) is None
    assert "ignored (damaged, or of another version)" in capsys.readouterr().err


class _Trap:
    """Unpickling it would write a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._file,)


def test_nothing_in_a_checkpoint_of_the_version_before_is_executed(
    task: TrialTask, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trapped = tmp_path / "trapped"
    _in_the_former_form(file, {"fingerprint": fingerprint(task), "state": _Trap(trapped)})
    assert checkpoint.load(task, file) is None
    assert not trapped.exists()
    assert "ignored (not a checkpoint of this program)" in capsys.readouterr().err


@pytest.mark.parametrize("other", OTHER_TASKS.values(), ids=OTHER_TASKS)
def test_the_checkpoint_of_another_task_is_passed_over(
    task: TrialTask, file: Path, other: Callable[[TrialTask], TrialTask], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fingerprint(other(task)) != fingerprint(task)
    assert checkpoint.load(other(task), file) is None
    assert "ignored (of another task)" in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_the_checkpoint_of_another_precision_is_passed_over_in_words(
    task: TrialTask, file: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(task, training=replace(task.training, precision=precision))
    assert checkpoint.load(other, file) is None
    assert f"of a training in fp32, and this one is in {precision}" in capsys.readouterr().err


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:40],
        lambda content: content + b"\0",
        lambda content: b"",
        lambda content: content.replace(b"nago-checkpoint-2", b"nago-checkpoint-9"),
        _flip,
    ],
)
def test_a_damaged_checkpoint_is_passed_over(
    task: TrialTask, file: Path, damage: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(damage(file.read_bytes()))
    assert checkpoint.load(task, file) is None
    told = capsys.readouterr().err
    assert "ignored (damaged, or of another version)" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("content", [None, 5, {}, ["list"], {"fingerprint": None}, {"fingerprint": "the task's"}])
def test_a_whole_file_with_another_content_is_passed_over(
    task: TrialTask, file: Path, capsys: pytest.CaptureFixture[str], content: object
) -> None:
    if content == {"fingerprint": "the task's"}:
        content = {"fingerprint": fingerprint(task)}
    file.write_bytes(to_bytes(checkpoint.FORM, content))
    assert checkpoint.load(task, file) is None
    assert "ignored (" in capsys.readouterr().err


def test_without_a_checkpoint_nothing_is_said(
    task: TrialTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkpoint.load(task, tmp_path / "nowhere" / "checkpoint") is None
    assert capsys.readouterr().err == ""
    assert checkpoint.load(task, tmp_path) is None
    assert "cannot read it" in capsys.readouterr().err


def test_a_save_that_fails_leaves_the_last_one_and_no_rest(task: TrialTask, file: Path, state: TrainingState) -> None:
    before = file.read_bytes()
    with disk_with_room_for(1000), pytest.raises(OSError, match="too large"):
        checkpoint.save(state, task, file, seconds=0.0)
    assert [item.name for item in file.parent.iterdir()] == ["checkpoint"]
    assert file.read_bytes() == before
