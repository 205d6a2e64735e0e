"""What the orchestrator hands to a trainer and what the trainer reports back.

The one module, beside the pure `architecture` package, that both sides import. Standard library only, so that
neither side pays for the other's dependencies. Everything is a frozen value with a JSON form; NaN and infinity
travel as the strings "NaN", "Infinity" and "-Infinity", because JSON has no numbers for them.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, asdict, dataclass, fields
from enum import IntEnum
from typing import Any, Self, TypeVar

_T = TypeVar("_T")

CONTRACT_VERSION = 1
"""Raised whenever a field changes its meaning; a trainer refuses a task of another version."""


class ExitCode(IntEnum):
    """How `nago-train` ends; the orchestrator derives the kind of a failure from it."""

    DONE = 0
    INFEASIBLE = 3
    """The network cannot be trained here at all, e.g. out of memory at batch size 1: no retry helps."""
    BAD_TASK = 64
    """The task, the dataset or an option is wrong."""
    UNAVAILABLE = 69
    """The database did not give the task, or was not to be told the result, and there was no other way either."""
    DEFECT = 70
    """A bug: an exception that nobody expected."""
    UNWRITABLE = 74
    """The attempt's folder cannot be written, e.g. a full disk: says nothing about the trial."""
    BUSY = 75
    """Another process has already claimed this attempt, or it is over, or a newer one has taken its place."""
    PREEMPTED = 85
    """Ended by SIGTERM; the trial's next attempt goes on from the checkpoint, if there is one yet."""


class ContractError(ValueError):
    """A task or a report does not have the agreed form."""


def encode_number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _encode(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (float, dict, list, tuple)):
        return value
    if isinstance(value, float):
        return encode_number(value)
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    return [_encode(item) for item in value]


VALIDATION = "validation"
TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSettings:
    """Which images, at which size, and how the validation split is taken from the training data."""

    name: str
    """digits, folder, cifar10 or cifar100."""
    path: str | None
    """Folder of the images (folder) or of torchvision's files (cifar10, cifar100); None for digits."""
    image_size: int
    """Height and width in pixels after resizing."""
    channels: int
    classes: int
    validation_fraction: float
    split_seed: int
    measured_on: str = VALIDATION
    """`validation`: a part of the training images, which is not trained on. `test`: the dataset's own test images, and
    all training images are trained on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The recipe of one training: SGD with momentum and a cosine schedule to zero."""

    batch_size: int
    learning_rate: float
    """At the first step; cosine to zero over the trial's epochs."""
    momentum: float
    weight_decay: float
    gradient_clip: float
    """Largest norm of the gradient; 0 switches clipping off."""
    label_smoothing: float
    dropout: float
    """Before the classifier."""
    crop_padding: int
    """Pixels of zero padding before a random crop; 0 switches cropping off."""
    horizontal_flip: bool
    cutout: int
    """Side of the square that is set to zero in every training image; 0 switches it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTask:
    """All that one attempt at training one architecture needs."""

    version: int
    study: str
    trial: int
    """Number of the trial in its study."""
    attempt: int
    token: str
    """Repeated in every report, so that a stale attempt cannot speak for a newer one."""
    architecture: dict[str, Any]
    """`nago_trainer.architecture.Architecture.to_json()`."""
    width: int
    parameters: int
    """What the plan says; the trainer refuses to train a network that disagrees."""
    parameter_limit: int
    dataset: DatasetSettings
    training: TrainingSettings
    epochs: int
    seed: int
    threads: int
    device: str
    """auto, cpu or a torch device such as cuda:0."""
    keep_network: bool

    def to_json(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        encoded: dict[str, Any] = {
            **values,  # the architecture is JSON already, and large
            "dataset": _encode(asdict(self.dataset)),
            "training": _encode(asdict(self.training)),
        }
        if self.dataset.measured_on == VALIDATION:
            del encoded["dataset"]["measured_on"]  # trainers of older images do not know the key
        return encoded

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises ContractError for another version, or for missing or unknown keys."""
        if not isinstance(data, dict) or data.get("version") != CONTRACT_VERSION:
            found = data.get("version") if isinstance(data, dict) else type(data).__name__
            raise ContractError(f"the task has contract version {found}, this trainer speaks {CONTRACT_VERSION}")
        values = dict(data)
        values["dataset"] = _build(DatasetSettings, values.get("dataset"))
        values["training"] = _build(TrainingSettings, values.get("training"))
        return _build(cls, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What one epoch of one attempt measured. Accuracies in [0, 1], losses in nats, seconds of wall time."""

    epoch: int
    """From 1."""
    training_loss: float
    training_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    """At the end of the epoch."""
    seconds: float

    def in_words(self) -> str:
        """The line of a log that tells of it."""
        return (
            f"epoch {self.epoch}: training loss {self.training_loss:.4f}, validation loss {self.validation_loss:.4f},"
            f" validation accuracy {self.validation_accuracy:.4f}, {self.seconds:.1f} s"
        )

    def to_json(self) -> dict[str, Any]:
        encoded: dict[str, Any] = _encode(asdict(self))
        return encoded

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return _build(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What a finished training reports, once."""

    validation_accuracy: float
    """After the last epoch, on the images that the task measures on; 0 if the training diverged."""
    validation_loss: float
    """After the last epoch; infinity if the training diverged."""
    diverged: bool
    """The loss became NaN or infinite: a result with the worst value, not a failure."""
    epochs: int
    """How many were really trained."""
    seconds: float
    """From the attempt's start to the result, data loading included; what led to the checkpoint it went on from too."""
    seconds_to_first_step: float
    parameters: int
    device: str
    network: str | None
    """Where the trained network was saved, if it was."""

    def to_json(self) -> dict[str, Any]:
        encoded: dict[str, Any] = _encode(asdict(self))
        return encoded

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return _build(cls, data)


def _build(kind: type[_T], data: Any) -> _T:
    if not isinstance(data, dict):
        raise ContractError(f"{kind.__name__} needs an object, not {type(data).__name__}")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # every caller passes a dataclass
    needed = {name for name, item in known.items() if item.default is MISSING}
    missing, unknown = needed - data.keys(), data.keys() - known.keys()
    if missing or unknown:
        raise ContractError(f"{kind.__name__}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    values = {name: _decode(value, known[name].type) for name, value in data.items()}
    return kind(**values)


def _decode(value: Any, annotation: Any) -> Any:
    return float(value) if annotation == "float" and isinstance(value, (str, int)) else value
