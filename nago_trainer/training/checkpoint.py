"""A training that was interrupted, in a file: the trial's next attempt resumes from it as if nothing had happened.

What a checkpoint holds decides every number that follows, so that on one kind of processor a
training in two parts gives the bits of one in one part. A checkpoint of another task is ignored, as is a damaged
file.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from nago_trainer.contract.reports import EpochRecord
from nago_trainer.contract.task import TrialTask
from nago_trainer.log import log
from nago_trainer.network.network import set_weights
from nago_trainer.network.tensor_file import TensorFileError, form_of, from_bytes, to_bytes
from nago_trainer.training.state import TrainingState
from nago_trainer.whole_file import write_whole

FORM_FAMILY = "nago-checkpoint-"
FORM = f"{FORM_FAMILY}2"
"""Names the file's form, safetensors; raised when the meaning of an entry changes."""
FORMER_FORM = b"nago-checkpoint-1"
"""Written by torch behind a digest, and still resumed."""

_OF_THE_ATTEMPT = ("attempt", "token", "threads", "device", "keep_network", "parameter_limit", "study", "trial")
"""Fields of a task that do not decide what is trained."""
_OF_THE_PART = ("epochs", "continues", "unneeded")
"""Fields that decide only which part of a run is trained."""

_WHERE_IMAGES_LIE = ("prepared", "memory")

FORMER_PRECISION = "fp32"
"""Of checkpoints that do not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is in the file."""

    batch_size: int
    """That fitted into the memory."""
    records: tuple[EpochRecord, ...]
    """Of the epochs that are complete."""
    seconds: float
    """Spent on the trial so far."""
    inherited: int = 0
    """How many of the epochs were trained by the trials from which it goes on."""
    state: dict[str, Any]
    """The rest of the training state, as `capture` gives it."""


def fingerprint(task: TrialTask) -> str:
    """The same for two tasks exactly if they train the same network in the same way, or parts of the same run."""
    ignored = _OF_THE_ATTEMPT if task.run_of is None else (*_OF_THE_ATTEMPT, *_OF_THE_PART)
    content = {key: value for key, value in task.to_json().items() if key not in ignored}
    # Checked before any training. A study of before gets it in its middle, and its checkpoints stay those of its tasks.
    for key in ("fingerprint", *_WHERE_IMAGES_LIE):
        content["dataset"].pop(key, None)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def capture(state: TrainingState) -> dict[str, Any]:
    """The training state as tensors on the CPU, numbers, lists and dictionaries."""
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch gives it no types
    return {
        "epoch": state.epoch,
        "weights": _on_cpu(state.network.state_dict()),
        "optimizer": _on_cpu(state.optimizer.state_dict()),
        **({"scaler": state.scaler.state_dict()} if state.scaler.is_enabled() else {}),
        "order": state.order,
        "augmentation": state.augmentation.get_state(),
        "dropout": torch.get_rng_state(),
        "dropout_cuda": torch.cuda.get_rng_state() if cuda else None,
        "losses": _on_cpu(_stack(state.losses)),
        "hits": _on_cpu(_stack(state.hits)),
        **_of_options(state),
    }


def _of_options(state: TrainingState) -> dict[str, Any]:
    """Entries of the options that the task asks for."""
    entries = {"average": state.average.values if state.average else None, "best": state.best}
    return {name: _on_cpu(value) for name, value in entries.items() if value is not None}


def resume(saved: Checkpoint | None, new_state: Callable[[], TrainingState], batch_size: int) -> TrainingState:
    """A new state; in the place of the saved one, if that is of the same batch size and fits."""
    state = new_state()
    if saved is None or saved.batch_size != batch_size:
        return state
    try:
        restore(state, saved)
    except ValueError as error:
        log(f"{error}: training starts again from epoch 1")
        del state  # before the next one is made: two networks may not fit in memory
        return new_state()
    return state


def restore(state: TrainingState, saved: Checkpoint) -> None:
    """Changes an initial state into the saved one; and torch's own generators, which draw dropout.

    Raises ValueError where the checkpoint does not fit; the state is then of no use any more.
    """
    found = saved.state
    try:
        set_weights(state.network, found["weights"])
        state.optimizer.load_state_dict(found["optimizer"])
        if state.scaler.is_enabled():
            state.scaler.load_state_dict(found["scaler"])
        state.augmentation.set_state(found["augmentation"])
        torch.set_rng_state(found["dropout"])
        if found["dropout_cuda"] is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(found["dropout_cuda"])
        device = next(state.network.parameters()).device
        state.losses, state.hits = _unstack(found["losses"], device), _unstack(found["hits"], device)
        state.order = found["order"]
        _restore_options(state, found, device)
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the checkpoint does not fit: {error}") from error
    state.records, state.earlier_seconds, state.inherited = list(saved.records), saved.seconds, saved.inherited


def _restore_options(state: TrainingState, found: dict[str, Any], device: torch.device) -> None:
    if state.average is not None:
        for name, value in state.average.values.items():
            value.copy_(found["average"][name])
    if "best" in found:
        state.best = {name: value.to(device) for name, value in found["best"].items()}


def save(state: TrainingState, task: TrialTask, path: Path, *, seconds: float) -> None:
    """The file appears whole or not at all, and is on the disk when this returns. Raises OSError.

    `seconds`: spent on the trial so far, by earlier attempts too.
    """
    content = {
        "fingerprint": fingerprint(task),
        "batch_size": state.batch_size,
        "records": [record.to_json() for record in state.records],
        "seconds": seconds,
        "state": capture(state),
    }
    if task.training.precision != FORMER_PRECISION:
        content["precision"] = task.training.precision
    if state.inherited:
        content["inherited"] = state.inherited
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, to_bytes(FORM, content))


def load(task: TrialTask, path: Path) -> Checkpoint | None:
    """The task's checkpoint, or None. The reason to ignore one is written to stderr. Runs no code from it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return _ignore(path, f"cannot read it ({error.strerror})")
    try:
        stored = _stored(data)
        is_other = stored["fingerprint"] != fingerprint(task)
        precision = stored.get("precision", FORMER_PRECISION)
        if precision != task.training.precision:
            return _ignore(path, f"of a training in {precision}, and this one is in {task.training.precision}")
        if is_other or len(stored["records"]) > task.epochs:
            return _ignore(path, "of another task")
        return Checkpoint(
            batch_size=stored["batch_size"],
            records=tuple(EpochRecord.from_json(record) for record in stored["records"]),
            seconds=stored["seconds"],
            inherited=stored.get("inherited", 0),
            state=stored["state"],
        )
    except TensorFileError:
        return _ignore(path, "damaged, or of another version")
    except (KeyError, TypeError, ValueError, AttributeError, EOFError, RuntimeError, UnpicklingError):
        # intact, but not a checkpoint of this program
        return _ignore(path, "not a checkpoint of this program")


def load_parent(task: TrialTask, path: Path) -> Checkpoint | None:
    """That of the trial from which this one goes on. What it spent is not this one's. Without it the reason is written
    to stderr."""
    found = load(task, path)
    if found is None:
        if not path.exists():
            log(f"the checkpoint of trial {task.continues} is not there: training starts from epoch 1")
        return None
    log(f"goes on from epoch {len(found.records)} of trial {task.continues}, of a run of {task.run_of} epochs")
    return replace(found, seconds=0.0, inherited=len(found.records))


def _stored(data: bytes) -> Any:
    """Raises TensorFileError for what is damaged or of another version."""
    if data.startswith(FORMER_FORM):
        _, digest, payload = (*data.split(b"\n", 2), b"", b"")[:3]
        if hashlib.sha256(payload).hexdigest().encode() != digest:
            raise TensorFileError("it was changed")
        return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    if form_of(data) != FORM:
        raise TensorFileError("it is of another version")
    return from_bytes(data).content


def _ignore(path: Path, why: str) -> Checkpoint | None:
    log(f"checkpoint {path} ignored ({why}): training starts again from epoch 1")
    return None


def _stack(values: list[Tensor]) -> Tensor | None:
    return torch.stack(values) if values else None


def _unstack(values: Tensor | None, device: torch.device) -> list[Tensor]:
    return [] if values is None else list(values.to(device).unbind())


def _on_cpu(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {key: _on_cpu(item) for key, item in value.items()}
    return [_on_cpu(item) for item in value] if isinstance(value, (list, tuple)) else value
