"""What the orchestrator hands to a trainer: all that one attempt needs."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar

from nago_trainer.contract.json_form import ContractError, build, encode_known
from nago_trainer.contract.reports import OPTIONAL

CONTRACT_VERSION = 1
"""Raised whenever a field changes its meaning; a trainer refuses a task of another version."""

VALIDATION = "validation"
TEST = "test"

FORMER_IMAGE_RULES = 1
"""Of version 0.1.0, whose studies go on by them: what a pixel of more than a byte meant was guessed from its image."""
IMAGE_RULES = 2
"""Of a new study: what a pixel means follows from the type of its file. See the trainer's `data/pixel_types.py`."""

USUAL_IMAGE_MEMORY = 4 * 10**9
"""Bytes that the pixels of a dataset may take in memory where the study does not say."""

PRECISIONS = ("fp32", "bf16", "fp16")
CHANNELS_FIRST, CHANNELS_LAST, AUTO_LAYOUT = "channels_first", "channels_last", "auto"
LAYOUTS = (AUTO_LAYOUT, CHANNELS_FIRST, CHANNELS_LAST)
SGD, ADAMW = "sgd", "adamw"
OPTIMISERS = (SGD, ADAMW)
UNBALANCED, BALANCED_WEIGHTS, BALANCED_SAMPLING = "none", "weights", "sampling"
BALANCES = (UNBALANCED, BALANCED_WEIGHTS, BALANCED_SAMPLING)
"""What is done about classes with few images: nothing, weights in the loss, or draws of every class as often."""
LAST_EPOCH, BEST_EPOCH = "last", "best"
KEPT_EPOCHS = (LAST_EPOCH, BEST_EPOCH)
SQUASH, CROP, PAD = "squash", "crop", "pad"
FITS = (SQUASH, CROP, PAD)
"""How an image that is no square becomes one: stretched, without what is beyond its middle, or on black."""
WORDS = {
    "fit": FITS,
    "measured_on": (VALIDATION, TEST),
    "precision": PRECISIONS,
    "layout": LAYOUTS,
    "optimizer": OPTIMISERS,
    "balance": BALANCES,
    "keep": KEPT_EPOCHS,
}
"""The fields of a task's sections that are words, and what each may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSettings:
    """Which images, at which size, and how the validation split is taken from the training data."""

    name: str
    """One of `DATA_SETS`."""
    path: str | None
    """Where the images are; None for a dataset that needs none."""
    image_size: int
    """Height and width in pixels after resizing."""
    channels: int
    classes: int
    validation_fraction: float
    split_seed: int
    measured_on: str = VALIDATION
    """`validation`: a part of the training images, which is not trained on. `test`: the dataset's own test images, and
    all training images are trained on."""
    image_rules: int = FORMER_IMAGE_RULES
    """By which rules the pixels of a folder's files become bytes. A study keeps those that it began with; absent in
    whatever was stored before there were two. Published datasets have bytes already."""
    fingerprint: str | None = None
    """Of the images that the study began with (`DataReport.fingerprint`); None where it was not taken: any will do."""
    images: int | None = None
    """How many there are, where a data check has counted them. A pod's memory follows from it; trainers get no such
    number, since they count themselves."""
    own_test: bool = False
    """Whether the data check has found test images of the dataset's own, on which final training is measured. Trainers
    get no such word either."""
    prepared: str | None = None
    """A folder for prepared images: they are decoded and resized once, and trials read them there."""
    memory: int | None = None
    """Bytes that the pixels may take in memory; None: USUAL_IMAGE_MEMORY, if there is a place for prepared images. Of
    what does not fit, prepared images are read batch by batch, which changes no result."""
    labels: str | None = None
    """A CSV file with the class of each image, and perhaps its part and group; None: the class is the file's folder."""
    test_fraction: float = 0.0
    """Share of the images that no search sees, where the dataset has no test images of its own. Absent in whatever was
    stored before there was one: such a study takes none."""
    fit: str = SQUASH
    """One of FITS."""


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
    reference_batch_size: int = 0
    """With `reference_learning_rate`: how the learning rate follows a batch size that had to be reduced (see
    `learning_rate.py`). 0: it stays."""
    reference_learning_rate: float = 0.0
    smallest_batch_size: int = 1
    """Where halving for lack of memory ends."""
    precision: str = "fp32"
    """One of `PRECISIONS`."""
    layout: str = CHANNELS_FIRST
    """One of `LAYOUTS`: of feature maps in memory. `auto` is channels-last on CPUs."""
    recompute: bool = False
    """Whether the backward pass computes again what is cheap, for memory."""
    objective: str | None = None
    """The study's own objective, `package.module:function`, by which the trained network is measured."""
    accumulate: bool = False
    """Where the batch does not fit: add up the gradients of parts of it, instead of taking a smaller one."""
    micro_batch_size: int = 0
    """Images of such a part; 0: the whole batch at once."""
    optimizer: str = SGD
    """One of OPTIMISERS. `momentum` is also AdamW's first coefficient."""
    warmup_epochs: float = 0.0
    """Over which the learning rate grows to its first value."""
    ema_decay: float = 0.0
    """Of the moving average of the weights, which is evaluated and kept; 0 switches it off."""
    mixup: float = 0.0
    """Alpha of the distribution of shares; 0 switches it off."""
    cutmix: float = 0.0
    randaugment: int = 0
    """Random operations on each training image; 0 switches it off."""
    randaugment_magnitude: int = 9
    """0 to 30."""
    balance: str = UNBALANCED
    """One of BALANCES."""
    drop_path: float = 0.0
    """Probability that an input of a weighted sum is left out, in the last epoch; it grows with the epochs."""
    keep: str = LAST_EPOCH
    """One of KEPT_EPOCHS: whose network is kept, and whose measurements are the result."""
    patience: int = 0
    """Epochs without a better one after which the training ends; 0: never."""
    measures: tuple[str, ...] = ()
    """Of `OPTIONAL`, what the study optimises: a trainer whose results lack it refuses the task before any training."""


_Settings = TypeVar("_Settings", DatasetSettings, TrainingSettings)


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
    run_of: int | None = None
    """Epochs of the run of which the trial is the beginning: its schedule is that of the run, cut after the trial's
    epochs. None: a run of its own."""
    continues: int | None = None
    """Number of the trial from whose checkpoint it goes on: the beginning of the same run. Without that checkpoint it
    trains from the first epoch, to the same result."""
    unneeded: tuple[int, ...] = ()
    """Numbers of trials of the study whose checkpoints nothing needs any more."""

    @property
    def schedule(self) -> int:
        """Epochs of the run that the learning rate follows."""
        return self.run_of or self.epochs

    def to_json(self) -> dict[str, Any]:
        """What an older trainer does not know is in it only where the task needs it: such a trainer then refuses it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        dataset = encode_known(replace(self.dataset, images=None, own_test=False))
        if self.run_of is None:
            for name in ("run_of", "continues", "unneeded"):
                del values[name]
        # The architecture is JSON already, and large.
        return {**values, "dataset": dataset, "training": encode_known(self.training)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises ContractError for another version, or for missing or unknown keys."""
        if not isinstance(data, dict) or data.get("version") != CONTRACT_VERSION:
            found = data.get("version") if isinstance(data, dict) else type(data).__name__
            raise ContractError(
                f"the task has contract version {found}, and this trainer supports version {CONTRACT_VERSION}"
            )
        values = dict(data)
        values["dataset"] = _checked(build(DatasetSettings, values.get("dataset")))
        values["training"] = _with_known_measures(_checked(build(TrainingSettings, values.get("training"))))
        if "unneeded" in values:
            values["unneeded"] = tuple(map(int, values["unneeded"]))
        return build(cls, values)


def _checked(settings: _Settings) -> _Settings:
    """Raises ContractError for a word that a newer orchestrator knows: nothing is trained in another way instead."""
    for name in WORDS.keys() & {field.name for field in fields(settings)}:
        word, known = getattr(settings, name), WORDS[name]
        if word not in known:
            raise ContractError(f"{name} is {word!r}, and this trainer supports {', '.join(known)}")
    return settings


def _with_known_measures(training: TrainingSettings) -> TrainingSettings:
    """Raises ContractError for one that a newer orchestrator knows."""
    names: Any = training.measures  # as JSON has them
    if not isinstance(names, list | tuple):
        raise ContractError(f"measures must be a list, not {type(names).__name__}")
    unknown = [name for name in names if name not in OPTIONAL]
    if unknown:
        raise ContractError(f"measures names {unknown[0]!r}, and this trainer reports {', '.join(OPTIONAL)}")
    return replace(training, measures=tuple(names))
