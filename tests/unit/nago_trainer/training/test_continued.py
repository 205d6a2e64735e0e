"""A run in several trials, each of which goes on from the checkpoint of the one before, has the bits of one run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from nago_trainer.contract.attempt_files import CHECKPOINTS_VARIABLE, NETWORK_FILE
from nago_trainer.contract.json_form import ContractError
from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrialTask
from nago_trainer.data.catalogue import load_images
from nago_trainer.errors import PreemptedError, TaskError
from nago_trainer.network.tensor_file import from_bytes
from nago_trainer.training.checkpoint import fingerprint
from nago_trainer.training.checkpoint_policy import CheckpointPolicy, checkpoint_policy
from nago_trainer.training.context import AttemptContext
from nago_trainer.training.preemption import Preemption
from nago_trainer.training.trial import run_trial

RUN = 4
_images = cache(load_images)


@pytest.fixture(autouse=True)
def _process_as_before() -> Any:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture
def whole(task: TrialTask) -> TrialTask:
    recipe = replace(task.training, dropout=0.3, horizontal_flip=True, warmup_epochs=0.5, drop_path=0.2)
    return replace(task, epochs=RUN, training=recipe)


@pytest.fixture
def lower(whole: TrialTask) -> TrialTask:
    return replace(whole, trial=3, epochs=2, run_of=RUN)


@pytest.fixture
def upper(whole: TrialTask) -> TrialTask:
    return replace(whole, trial=8, run_of=RUN, continues=3)


def _policy(task: TrialTask, folder: Path) -> CheckpointPolicy:
    found = checkpoint_policy(task, {CHECKPOINTS_VARIABLE: str(folder)}, Preemption())
    assert found is not None
    return replace(found, on_training=lambda: None)


def _train(task: TrialTask, folder: Path, policy: CheckpointPolicy | None = None) -> tuple[list[EpochRecord], Any]:
    """The epochs that it reports, and the weights."""
    records: list[EpochRecord] = []
    policy = policy or _policy(task, folder)
    kept = folder / "attempt"
    run_trial(task, AttemptContext(folder=kept, read_images=_images, started=0.0, checkpoints=policy), records.append)
    policy.clear()
    weights = from_bytes((kept / NETWORK_FILE).read_bytes()).content["weights"]
    return [replace(record, seconds=0.0) for record in records], weights


def _same(left: Any, right: Any) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.slow
def test_a_run_in_two_trials_has_the_bits_of_one(
    whole: TrialTask, lower: TrialTask, upper: TrialTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, weights = _train(whole, tmp_path / "whole")
    first, _ = _train(lower, tmp_path)
    checkpoint = tmp_path / lower.study / "t00003" / "checkpoint"
    lost = checkpoint.read_bytes()
    answers = iter([False] * 30 + [True])  # the second trial in two attempts, ended in the midst of an epoch
    with pytest.raises(PreemptedError):
        _train(upper, tmp_path, replace(_policy(upper, tmp_path), interrupted=lambda: next(answers)))
    second, same_weights = _train(upper, tmp_path)
    assert first + second == records
    assert [record.epoch for record in second] == [3, 4]
    assert _same(weights, same_weights)
    assert "goes on from epoch 2 of trial 3, of a run of 4 epochs" in capsys.readouterr().err
    assert not checkpoint.exists()

    for content, told in ((None, "of trial 3 is not there"), (lost[:-3], "ignored (damaged")):
        checkpoint.parent.mkdir(exist_ok=True)
        if content:
            checkpoint.write_bytes(content)
        anew, same_weights = _train(upper, tmp_path)
        assert anew == records
        assert _same(weights, same_weights)
        assert told in capsys.readouterr().err


@pytest.mark.slow
def test_the_beginning_of_a_run_is_no_run_of_its_own(whole: TrialTask, lower: TrialTask, tmp_path: Path) -> None:
    begun, _ = _train(lower, tmp_path)
    own, _ = _train(replace(whole, epochs=2), tmp_path / "own")
    assert begun[-1].learning_rate > own[-1].learning_rate == 0.0
    assert fingerprint(lower) == fingerprint(replace(lower, epochs=3, continues=2, unneeded=(1,)))
    assert fingerprint(lower) != fingerprint(replace(lower, run_of=5))
    assert fingerprint(lower) != fingerprint(replace(lower, run_of=None))


@pytest.mark.slow
def test_a_run_that_ended_early_is_over_for_the_next_trial_too(
    lower: TrialTask, upper: TrialTask, tmp_path: Path
) -> None:
    early = {"training": replace(lower.training, patience=1, learning_rate=0.0, keep="best")}
    first, weights = _train(replace(lower, **early), tmp_path)  # type: ignore[arg-type]  # the recipe alone
    second, same_weights = _train(replace(upper, **early), tmp_path)  # type: ignore[arg-type]  # as above
    assert (len(first), second) == (2, [])
    assert _same(weights, same_weights)


def test_which_checkpoints_are_removed(lower: TrialTask, upper: TrialTask, tmp_path: Path) -> None:
    def files() -> list[str]:
        return sorted(str(file.parent.name) for file in tmp_path.rglob("checkpoint"))

    for trial in (1, 2, 3, 8):
        file = tmp_path / lower.study / f"t{trial:05d}" / "checkpoint"
        file.parent.mkdir(parents=True)
        file.touch()
    _policy(lower, tmp_path).clear()
    assert files() == ["t00001", "t00002", "t00003", "t00008"]
    policy = _policy(replace(upper, unneeded=(1, 5)), tmp_path)
    policy.clear_unneeded()
    assert files() == ["t00002", "t00003", "t00008"]
    policy.clear()
    assert files() == ["t00002"]
    assert sorted(folder.name for folder in (tmp_path / lower.study).iterdir()) == ["t00002"]


def test_only_a_task_that_needs_it_says_so(whole: TrialTask, upper: TrialTask) -> None:
    """Older trainers know nothing of it."""
    assert not {"run_of", "continues", "unneeded"} & whole.to_json().keys()
    task = replace(upper, unneeded=(1, 2))
    assert TrialTask.from_json({**task.to_json(), "unneeded": [1, 2]}) == task
    with pytest.raises(ContractError, match="continues must be of type int"):
        TrialTask.from_json({**task.to_json(), "continues": "../elsewhere"})


def test_a_trial_is_not_longer_than_its_run(upper: TrialTask, tmp_path: Path) -> None:
    context = AttemptContext(folder=tmp_path, read_images=_images, started=0.0)
    with pytest.raises(TaskError, match="the trial has 4 epochs, and the run that it begins has 3"):
        run_trial(replace(upper, run_of=3), context, lambda _: None)
