from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nago_trainer.contract.task import TrialTask
from nago_trainer.errors import TaskError
from nago_trainer.training.checkpoint_policy import DEFAULT_SECONDS, checkpoint_policy
from nago_trainer.training.preemption import Preemption


@pytest.fixture
def preemption() -> Iterator[Preemption]:
    before = signal.getsignal(signal.SIGTERM)
    yield Preemption()
    signal.signal(signal.SIGTERM, before)


def test_every_trial_has_a_folder_of_its_own(task: TrialTask, preemption: Preemption, tmp_path: Path) -> None:
    policy = checkpoint_policy(task, {"NAGO_CHECKPOINTS": str(tmp_path)}, preemption)
    assert policy is not None
    assert (policy.file, policy.seconds) == (tmp_path / "study" / "t00007" / "checkpoint", DEFAULT_SECONDS)


@pytest.mark.parametrize("environment", [{}, {"NAGO_CHECKPOINTS": ""}])
def test_without_a_folder_there_are_no_checkpoints(
    task: TrialTask, preemption: Preemption, environment: dict[str, str]
) -> None:
    assert checkpoint_policy(task, environment, preemption) is None


def test_seconds_must_be_a_number(task: TrialTask, preemption: Preemption) -> None:
    with pytest.raises(TaskError, match="NAGO_CHECKPOINT_SECONDS must be a number of seconds, found 'often'"):
        checkpoint_policy(task, {"NAGO_CHECKPOINTS": "x", "NAGO_CHECKPOINT_SECONDS": "often"}, preemption)


def test_a_termination_is_waited_with_once_training_begins(
    task: TrialTask, preemption: Preemption, tmp_path: Path
) -> None:
    policy = checkpoint_policy(task, {"NAGO_CHECKPOINTS": str(tmp_path)}, preemption)
    assert policy is not None
    policy.on_training()
    assert not policy.interrupted()
    signal.raise_signal(signal.SIGTERM)
    assert policy.interrupted()


def test_clearing_leaves_what_else_is_there(task: TrialTask, preemption: Preemption, tmp_path: Path) -> None:
    policy = checkpoint_policy(task, {"NAGO_CHECKPOINTS": str(tmp_path)}, preemption)
    assert policy is not None
    policy.clear()
    policy.folder.mkdir(parents=True)
    policy.file.touch()
    (policy.folder / "network.pt").touch()
    policy.clear()
    assert [file.name for file in policy.folder.iterdir()] == ["network.pt"]
    (policy.folder / "network.pt").unlink()
    policy.clear()
    assert not policy.folder.exists()
