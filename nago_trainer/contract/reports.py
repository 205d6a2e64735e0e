"""What a trainer reports back: a record of each epoch, and one result."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from nago_trainer.contract.json_form import build, encode


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
    def from_json(cls, data: dict[str, Any]) -> Self:
        return build(cls, data)


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
        encoded: dict[str, Any] = encode(asdict(self))
        return encoded

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return build(cls, data)
