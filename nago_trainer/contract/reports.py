"""What a trainer reports back: a record of each epoch, and one result or the reason of its failure.

A trainer may be wrong or hostile. Each report therefore has one check, `problem`, which `from_json` applies to what
arrives as text and the orchestrator to what it reads from its database. The functions of the database, which trainers
call, check the same.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self, TypeVar

from nago_trainer.contract.class_details import ClassDetails
from nago_trainer.contract.json_form import ContractError, build, encode

MOST_EPOCHS = 100_000
LONGEST_SECONDS = 1e9
"""Some 30 years."""
LARGEST_INTEGER = 2**63 - 1
LARGEST_CUSTOM = 10**12
"""What a study's own objective may return at most."""
LONGEST_TEXT = 1_000
"""Characters of a device or a path."""
MEASURES = ("balanced_accuracy", "macro_f1", "top_5", "worst_class")
"""Shares in [0, 1] that a trainer of version 0.1.0 does not report; the higher the better."""
OPTIONAL = (*MEASURES, "calibration_error", "custom")
"""Fields of a result that older trainers do not know."""
FAILURE_KINDS = ("infeasible", "defect")
"""What a trainer can know about its own failure."""


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
        """One line of a log."""
        return (
            f"epoch {self.epoch}: training loss {self.training_loss:.4f}, validation loss {self.validation_loss:.4f},"
            f" validation accuracy {self.validation_accuracy:.4f}, {self.seconds:.1f} s"
        )

    def to_json(self) -> dict[str, Any]:
        encoded: dict[str, Any] = encode(asdict(self))
        return encoded

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form and for values that no training can have measured."""
        return _checked(build(cls, data))

    def problem(self) -> str | None:
        """What no training can have measured, as one clause; None for a record that may be true."""
        return _first(
            _outside("epoch", self.epoch, 1, MOST_EPOCHS),
            _negative("training_loss", self.training_loss),
            _outside("training_accuracy", self.training_accuracy, 0, 1),
            _negative("validation_loss", self.validation_loss),
            _outside("validation_accuracy", self.validation_accuracy, 0, 1),
            _outside("learning_rate", self.learning_rate, 0, 1e9),
            _outside("seconds", self.seconds, 0, LONGEST_SECONDS),
        )


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
    balanced_accuracy: float | None = None
    """This and all that follows: of the trained network, on the images of `validation_accuracy`, as the trainer's
    `training/measures.py` defines it. None: the trainer's version does not report it."""
    macro_f1: float | None = None
    top_5: float | None = None
    worst_class: float | None = None
    calibration_error: float | None = None
    custom: float | None = None
    """The study's own objective, from 0 to LARGEST_CUSTOM; NaN if the training diverged. None without one."""
    details: ClassDetails | None = None
    """Of a network that is to be kept."""

    def to_json(self) -> dict[str, Any]:
        """Without what was not measured, so that a result of before has the form of before."""
        values = {key: value for key, value in asdict(self).items() if key not in (*OPTIONAL, "details")}
        measured = {key: value for key in OPTIONAL if (value := getattr(self, key)) is not None}
        encoded: dict[str, Any] = encode({**values, **measured})
        return encoded if self.details is None else {**encoded, "details": self.details.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form and for values that no training can have measured."""
        if isinstance(data, dict) and data.get("details") is not None:
            data = {**data, "details": ClassDetails.from_json(data["details"])}
        return _checked(build(cls, data))

    def problem(self) -> str | None:
        """What no training can have measured, as one clause; None for a result that may be true."""
        return _first(
            _outside("validation_accuracy", self.validation_accuracy, 0, 1),
            _negative("validation_loss", self.validation_loss),
            _outside("epochs", self.epochs, 0, MOST_EPOCHS),
            _outside("seconds", self.seconds, 0, LONGEST_SECONDS),
            _outside("seconds_to_first_step", self.seconds_to_first_step, 0, LONGEST_SECONDS),
            _outside("parameters", self.parameters, 0, LARGEST_INTEGER),
            _too_long("device", self.device),
            _too_long("network", self.network or ""),
            *(_outside(name, getattr(self, name) or 0, 0, 1) for name in (*MEASURES, "calibration_error")),
            self._custom_problem(),
        )

    def _custom_problem(self) -> str | None:
        """An infinite score would be the best of its study for good."""
        if self.custom is None or (self.diverged and math.isnan(self.custom)):
            return None
        return _outside("custom", self.custom, 0, LARGEST_CUSTOM)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """Why a trainer gave up."""

    kind: str
    """One of FAILURE_KINDS."""
    reason: str
    """One word."""
    message: str
    """One sentence."""

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Raises ContractError for another form or kind."""
        return _checked(build(cls, data))

    def problem(self) -> str | None:
        if self.kind in FAILURE_KINDS:
            return None
        return f"kind must be one of {', '.join(FAILURE_KINDS)}"


class _Report(Protocol):
    def problem(self) -> str | None: ...


_R = TypeVar("_R", bound=_Report)


def _checked(report: _R) -> _R:
    problem = report.problem()
    if problem is not None:
        raise ContractError(problem)
    return report


def _first(*problems: str | None) -> str | None:
    return next((problem for problem in problems if problem is not None), None)


def _outside(name: str, value: float, low: float, high: float) -> str | None:
    """NaN is outside every range."""
    return None if low <= value <= high else f"{name} must be between {low:,} and {high:,}"


def _negative(name: str, value: float) -> str | None:
    """A loss of a training that diverged may be NaN or infinite."""
    return f"{name} must not be negative" if value < 0 else None


def _too_long(name: str, value: str) -> str | None:
    return f"{name} must have at most {LONGEST_TEXT:,} characters" if len(value) > LONGEST_TEXT else None
