"""The `trainer` section: the images, and the recipe that all trials of a study share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from nago_orchestrator.spec.by_dataset import limit_of_dataset, of_dataset, part_of_image
from nago_orchestrator.spec.dataset import DatasetSection
from nago_orchestrator.spec.options import Balance, KeptEpoch, Layout, Optimiser, Precision
from nago_orchestrator.spec.protocols import (
    BatchPoint,
    ProtocolName,
    with_protocol,
)
from nago_orchestrator.spec.scalars import ByteCount, Real, Switch, Whole, format_number, read_text, wrong
from nago_orchestrator.spec.section import Section, is_study_file
from nago_trainer.contract.task import CHANNELS_FIRST, LAST_EPOCH, SGD, UNBALANCED

_FUNCTION = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", re.ASCII)


def _read_function(value: Any) -> str | None:
    if value is None:
        return None
    text = read_text(value)
    if _FUNCTION.fullmatch(text) is None:
        raise wrong(f"must name a Python function as package.module:function, found '{text}'")
    return text


class TrainerSection(Section):
    dataset: DatasetSection
    """The images."""
    protocol: ProtocolName | None = None
    """One of the paper's ways to train; sets its keys, unless the file sets them."""
    parameter_limit: Annotated[Whole, Field(ge=1, le=10_000_000_000)] = limit_of_dataset()
    """Most parameters that a network may have in all; each gets the largest width that stays within."""
    batch_size: Annotated[Whole, Field(ge=1, le=65_536)] = of_dataset(digits=64, folder=96, cifar=96)
    """Images per step."""
    learning_rate: Annotated[Real, Field(gt=0, le=100)] = of_dataset(digits=0.1, folder=0.025, cifar=0.025)
    """At the first step; a cosine takes it to zero over the trial's epochs."""
    learning_rate_from: BatchPoint | None = None
    """Learning rate of a reduced batch: interpolated linearly between the recipe's own batch and this point."""
    memory: Annotated[ByteCount, Field(ge=1)] | None = None
    """What a training may take on its device; each network gets the largest batch that fits, up to `batch_size`."""
    smallest_batch_size: Annotated[Whole, Field(ge=1, le=65_536)] = 1
    """A network for which not even this many images fit into the memory is infeasible."""
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9
    """Of SGD."""
    weight_decay: Annotated[Real, Field(ge=0, le=1)] = of_dataset(digits=1e-3, folder=3e-4, cifar=3e-4)
    """L2 penalty on all weights."""
    gradient_clip: Annotated[Real, Field(ge=0, le=1e6)] = 5.0
    """Largest norm of the gradient; 0 switches clipping off."""
    label_smoothing: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """Share of the target that is spread evenly over all classes."""
    dropout: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """Probability of zeroing a feature before the classifier."""
    crop_padding: Annotated[Whole, Field(ge=0, le=512)] = part_of_image(digits=0, folder=8, cifar=8)
    """Pixels of zero padding before a random crop of the training images; 0 switches cropping off."""
    horizontal_flip: Switch = of_dataset(digits=False, folder=True, cifar=True)
    """Whether training images are mirrored at random."""
    cutout: Annotated[Whole, Field(ge=0, le=1024)] = part_of_image(digits=0, folder=2, cifar=2, of_protocols=2)
    """Side in pixels of the square that is blanked in every training image; 0 switches it off."""
    precision: Precision = "fp32"
    """Of the feature maps: fp32, or mixed precision in bf16 or fp16, with weights and sensitive sums in fp32."""
    layout: Layout = CHANNELS_FIRST
    """Memory format of the feature maps; auto is channels_last on CPUs. Results differ by rounding."""
    recompute: Switch = False
    """Whether the backward pass recomputes normalisations, merges and ReLUs: less than half the memory for feature
    maps, identical results."""
    objective: Annotated[str | None, BeforeValidator(_read_function)] = None
    """The study's own objective, a Python function package.module:function; see the objectives custom_score and
    custom_cost."""
    accumulate: Switch = False
    """Whether a batch that does not fit is trained in parts whose gradients are added up, instead of a smaller one."""
    optimizer: Optimiser = SGD
    """SGD with momentum, or AdamW."""
    warmup_epochs: Annotated[Real, Field(ge=0, le=1000)] = 0.0
    """Epochs over which the learning rate grows evenly to its first value; the cosine has the rest."""
    ema_decay: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """Of the moving average of the weights, which is measured and kept in the place of the last; 0 switches it off."""
    mixup: Annotated[Real, Field(ge=0, le=100)] = 0.0
    """Alpha of mixup; 0 switches it off."""
    cutmix: Annotated[Real, Field(ge=0, le=100)] = 0.0
    """Alpha of cutmix; 0 switches it off."""
    randaugment: Annotated[Whole, Field(ge=0, le=14)] = 0
    """Random operations of RandAugment on each training image; 0 switches it off."""
    randaugment_magnitude: Annotated[Whole, Field(ge=0, le=30)] = 9
    """How strong they are."""
    balance: Balance = UNBALANCED
    """What is done about classes with few images."""
    drop_path: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """Probability in the last epoch that an input of a weighted sum is left out in a step; it grows with the epochs."""
    keep: KeptEpoch = LAST_EPOCH
    """The epoch whose network is kept, and whose measurements are the result."""
    patience: Annotated[Whole, Field(ge=0, le=100_000)] = 0
    """Epochs without a better one after which a training ends; 0: it never ends early."""
    keep_networks: Switch = False
    """Whether the trained network of every trial is saved; in a cluster this needs execution.kubernetes.checkpoints."""

    @model_validator(mode="before")
    @classmethod
    def _take_protocol(cls, given: Any, info: ValidationInfo) -> Any:
        """Of a file alone: a stored study keeps the values that it was made with."""
        read_now = isinstance(given, dict) and is_study_file(info)
        return with_protocol(given.get("protocol"), given) if read_now else given

    @model_validator(mode="after")
    def _batches_fit_each_other(self) -> TrainerSection:
        if self.smallest_batch_size > self.batch_size:
            raise wrong(f"has smallest_batch_size {self.smallest_batch_size} above batch_size {self.batch_size}")
        return self

    @model_validator(mode="after")
    def _cutout_leaves_something(self) -> TrainerSection:
        check_cutout(self.cutout, self.dataset.image_size)
        return self


def check_cutout(cutout: int, image_size: int) -> None:
    if cutout >= image_size:
        raise wrong(f"has cutout {format_number(cutout)}, which must be below image_size {image_size}")
