"""The `final_training` section: how `train-best` trains networks of the generators that a search found."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from nago_orchestrator.spec.options import Balance, KeptEpoch, Optimiser
from nago_orchestrator.spec.protocols import EPOCHS, BatchPoint, ProtocolName, with_protocol
from nago_orchestrator.spec.scalars import Real, Switch, Whole
from nago_orchestrator.spec.section import Section, is_study_file
from nago_orchestrator.spec.trainer import TrainerSection
from nago_trainer.contract.learning_rate import rate_between

EPOCHS_PER_SEARCH_EPOCH = 5
"""The paper searches with up to 120 epochs and trains for 600."""


class FinalTrainingSection(Section):
    networks: Annotated[Whole, Field(ge=1, le=1000)] = 8
    """Architectures that are drawn from each generator."""
    protocol: ProtocolName | None = None
    """One of the paper's ways to train; sets its keys, unless the file sets them."""
    epochs: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Of each training; by default the protocol's, otherwise five times the last of `fidelities`."""
    batch_size: Annotated[Whole, Field(ge=1, le=65_536)] | None = None
    """Images per step; by default as in `trainer`, and so for the keys below."""
    learning_rate: Annotated[Real, Field(gt=0, le=100)] | None = None
    """At the first step."""
    learning_rate_from: BatchPoint | None = None
    """Learning rate of a reduced batch, as in `trainer`."""
    momentum: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Of SGD."""
    weight_decay: Annotated[Real, Field(ge=0, le=1)] | None = None
    """L2 penalty on all weights."""
    gradient_clip: Annotated[Real, Field(ge=0, le=1e6)] | None = None
    """Largest norm of the gradient; 0 switches clipping off."""
    dropout: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Probability of zeroing a feature before the classifier."""
    label_smoothing: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Share of the target that is spread evenly over all classes."""
    cutout: Annotated[Whole, Field(ge=0, le=1024)] | None = None
    """Side in pixels of the square that is blanked in every training image."""
    accumulate: Switch | None = None
    """Whether a batch that does not fit is trained in parts whose gradients are added up, instead of a smaller one."""
    optimizer: Optimiser | None = None
    """SGD with momentum, or AdamW."""
    warmup_epochs: Annotated[Real, Field(ge=0, le=1000)] | None = None
    """Epochs over which the learning rate grows evenly to its first value."""
    ema_decay: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Of the moving average of the weights; 0 switches it off."""
    mixup: Annotated[Real, Field(ge=0, le=100)] | None = None
    """Alpha of mixup; 0 switches it off."""
    cutmix: Annotated[Real, Field(ge=0, le=100)] | None = None
    """Alpha of cutmix; 0 switches it off."""
    randaugment: Annotated[Whole, Field(ge=0, le=14)] | None = None
    """Random operations of RandAugment on each training image; 0 switches it off."""
    randaugment_magnitude: Annotated[Whole, Field(ge=0, le=30)] | None = None
    """How strong they are."""
    balance: Balance | None = None
    """What is done about classes with few images."""
    drop_path: Annotated[Real, Field(ge=0, lt=1)] | None = None
    """Probability in the last epoch that an input of a weighted sum is left out in a step."""
    keep: KeptEpoch | None = None
    """The epoch whose network is kept; the last one where test images are measured, which must choose nothing."""
    patience: Annotated[Whole, Field(ge=0, le=100_000)] | None = None
    """Epochs without a better one after which a training ends; without effect where test images are measured."""

    @model_validator(mode="before")
    @classmethod
    def _take_protocol(cls, given: Any, info: ValidationInfo) -> Any:
        """Of a file alone: a stored study keeps the values that it was made with."""
        if not isinstance(given, dict) or not is_study_file(info):
            return given
        name = given.get("protocol")
        epochs = EPOCHS.get(name) if isinstance(name, str) else None
        found = {key: value for key, value in with_protocol(name, given).items() if key != "memory" or key in given}
        return found if epochs is None else {"epochs": epochs, **found}

    def with_rate_of_batch(self, trainer: TrainerSection) -> FinalTrainingSection:
        """A batch size without a learning rate gets the one that `learning_rate_from` has there, if there is one."""
        reference = self.learning_rate_from or trainer.learning_rate_from
        batch, own = self.batch_size, (trainer.batch_size, trainer.learning_rate)
        if batch is None or batch == trainer.batch_size or self.learning_rate is not None or reference is None:
            return self
        rate = rate_between(batch, own, (reference.batch_size, reference.learning_rate))
        return self.model_copy(update={"learning_rate": rate})

    def recipe_changes(self) -> dict[str, Any]:
        """By the names of a recipe's fields; None for what stays as in the search."""
        changes = self.model_dump(exclude={"networks", "epochs", "protocol", "learning_rate_from"})
        return changes if self.learning_rate_from is None else {**changes, **self.learning_rate_from.reference()}
