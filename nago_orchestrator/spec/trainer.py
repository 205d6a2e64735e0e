"""The `trainer` section: the images, and the recipe that all trials of a study share.

What a key is by default depends on the dataset: for CIFAR it is the paper's recipe (parameter limit 4.0 million,
batch size 96, learning rate 0.025, a cutout of half the image's side; momentum, weight decay and clipping as in DARTS,
whose recipe the paper's numbers match). A small network on 8×8 digits wants something smaller and quicker.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from nago_orchestrator.spec.options import Balance, Fit, KeptEpoch, Layout, Optimiser, Precision
from nago_orchestrator.spec.protocols import (
    LIMIT_OF_LARGE_IMAGES,
    LIMIT_OF_SMALL_IMAGES,
    BatchPoint,
    ProtocolName,
    parameter_limit,
    with_protocol,
)
from nago_orchestrator.spec.scalars import ByteCount, Real, Switch, Whole, format_number, known_word, read_text, wrong
from nago_orchestrator.spec.section import Section, is_study_file
from nago_trainer.contract.data_sets import DATA_SETS
from nago_trainer.contract.task import CHANNELS_FIRST, LAST_EPOCH, SGD, SQUASH, UNBALANCED

DATASETS = tuple(DATA_SETS)
DatasetName = Annotated[
    str, BeforeValidator(known_word("dataset", DATASETS)), WithJsonSchema({"enum": [*DATASETS], "type": "string"})
]


def _of_dataset(*, digits: Any, folder: Any, cifar: Any, photographs: Any = None) -> Any:
    """A field whose default is looked up by the dataset's name; the schema tells it in words."""
    table = _by_name(digits=digits, folder=folder, cifar=cifar, photographs=photographs)

    def default(validated: dict[str, Any]) -> Any:
        dataset = validated.get("dataset")
        name = validated.get("name", "folder") if dataset is None else dataset.name
        return table[name]

    return Field(default_factory=default, json_schema_extra={"x-default": _in_words(table)})


def _limit() -> Any:
    """The dataset's; with a protocol that of the images' size."""
    own = _of_dataset(
        digits=50_000,
        folder=LIMIT_OF_SMALL_IMAGES,
        cifar=LIMIT_OF_SMALL_IMAGES,
        photographs=LIMIT_OF_LARGE_IMAGES,
    )

    def default(validated: dict[str, Any]) -> Any:
        dataset = validated.get("dataset")
        if validated.get("protocol") is None or dataset is None:
            return own.default_factory(validated)
        return parameter_limit(dataset.image_size)

    return Field(default_factory=default, json_schema_extra=own.json_schema_extra)


def _part_of_image(*, digits: int, folder: int, cifar: int, of_protocols: int | None = None) -> Any:
    """A field whose default is this part of the image's side (2: half of it; 0: nothing).

    `of_protocols`: where a protocol is named, whatever the dataset.
    """
    divisors = _by_name(digits=digits, folder=folder, cifar=cifar)

    def default(validated: dict[str, Any]) -> int:
        dataset = validated.get("dataset")
        divisor = 0 if dataset is None else divisors[dataset.name]
        if of_protocols is not None and validated.get("protocol") is not None:
            divisor = of_protocols
        return dataset.image_size // divisor if dataset is not None and divisor else 0

    parts = {name: f"image_size / {divisor}" if divisor else 0 for name, divisor in divisors.items()}
    return Field(default_factory=default, json_schema_extra={"x-default": _in_words(parts)})


def _by_name(*, folder: Any, photographs: Any = None, **others: Any) -> dict[str, Any]:
    """Photographs have the values of a folder, unless they are given."""
    values = {**others, "folder": folder, "photographs": folder if photographs is None else photographs}
    return {name: values[dataset.defaults] for name, dataset in DATA_SETS.items()}


def _in_words(table: Mapping[str, Any]) -> str:
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in table.items()}
    if len(set(texts.values())) == 1:
        return texts["folder"]
    others = {text for name, text in texts.items() if name != "digits"}
    if len(others) == 1:
        return f"digits {texts['digits']}, others {texts['folder']}"
    return ", ".join(
        f"{', '.join(name for name in texts if texts[name] == text)} {text}" for text in dict.fromkeys(texts.values())
    )


def _read_path(value: Any, info: ValidationInfo) -> str | None:
    """Relative paths start at the study file's folder (the validation's context), so that they do not move with the
    shell's; for trials in a cluster, at the mounted volume. Without a context, the text stays as it is."""
    if value is None:
        return None
    context = info.context or {}
    if "volume" in context:
        return _path_in_container(read_text(value), context["volume"])
    folder = context.get("folder")
    try:
        path = Path(read_text(value)).expanduser()
        return str(path) if folder is None else _resolved(Path(folder) / path)
    except (OSError, RuntimeError) as error:  # a folder that may not be entered, a loop of links, ~ of an unknown user
        raise wrong(f"cannot be resolved: {getattr(error, 'strerror', None) or error}") from error


def _resolved(path: Path) -> str:
    """Whether it exists or not. Raises OSError for a loop of links, of which Python 3.13 says nothing by itself."""
    found = path.resolve()
    try:
        found.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
    return str(found)


def _path_in_container(text: str, volume: str | None) -> str:
    """Nothing of this machine's files is looked at: the path is one of the trainer's."""
    path = PurePosixPath(text)
    if text.startswith("~"):
        raise wrong(f"must be a path in the trainer's container, where there is no home folder; found '{text}'")
    if path.is_absolute():
        return str(path)
    if volume is None:
        raise wrong(
            f"is relative ('{text}'), and execution.kubernetes.data mounts no volume that it could be relative to",
            do="write an absolute path in the trainer's container",
        )
    return str(PurePosixPath(volume) / path)


def _read_prepared(value: Any, info: ValidationInfo) -> str | None:
    if value is not None and "volume" in (info.context or {}) and not PurePosixPath(read_text(value)).is_absolute():
        raise wrong(
            f"is relative ('{value}'), and must be a path in the trainer's container",
            do="remove it and set execution.kubernetes.prepared, or write an absolute path",
        )
    return _read_path(value, info)


_OF_NEW_STUDIES: Any = {"x-default": _in_words({name: known.test_fraction for name, known in DATA_SETS.items()})}
_FUNCTION = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$", re.ASCII)


def _read_function(value: Any) -> str | None:
    if value is None:
        return None
    text = read_text(value)
    if _FUNCTION.fullmatch(text) is None:
        raise wrong(f"must name a Python function as package.module:function, found '{text}'")
    return text


class DatasetSection(Section):
    name: DatasetName
    """The images: scikit-learn's digits, any folder with one subfolder per class, or a published dataset."""
    path: Annotated[str | None, BeforeValidator(_read_path)] = None
    """Where the images are; relative paths start at the study file's folder, for trials in a cluster at the volume that
    `execution.kubernetes.data` mounts. Not for digits."""
    image_size: Annotated[Whole, Field(ge=4, le=1024)] = _of_dataset(digits=8, folder=64, cifar=32, photographs=224)
    """Height and width in pixels to which every image is brought."""
    fit: Fit = SQUASH
    """How an image that is no square becomes one: squash stretches it, crop takes its middle, pad adds black."""
    classes: Annotated[Whole, Field(ge=2, le=1_000_000)] | None = None
    """How many classes there are; only for a folder that lies in the cluster, where the orchestrator cannot count."""
    channels: Annotated[Whole, Field(ge=1, le=4)] | None = None
    """1 for grey images, 3 for colours; likewise."""
    validation_fraction: Annotated[Real, Field(ge=0.01, le=0.9)] = 0.2
    """Share of the training images that is held out to compare networks; the test set is never used."""
    test_fraction: Annotated[Real, Field(ge=0, le=0.9)] = Field(default=0.0, json_schema_extra=_OF_NEW_STUDIES)
    """Share of the images that only final training is measured on, the same ones in every study; 0: none. Without
    effect where a folder or a CSV file has test images of its own."""

    labels: Annotated[str | None, BeforeValidator(_read_path)] = None
    """A CSV file with the columns file and label and, where wanted, split and group: the classes of a folder whose
    subfolders mean nothing. Relative paths as in path."""
    memory: Annotated[ByteCount, Field(ge=1)] | None = None
    """What the images may take in memory; of more, prepared images are read batch by batch. Changes no result."""
    prepared: Annotated[str | None, BeforeValidator(_read_prepared)] = None
    """A folder in which the images are kept decoded and resized, so that it is done once. Not for digits and CIFAR."""

    @model_validator(mode="before")
    @classmethod
    def _set_test_images_apart(cls, given: Any, info: ValidationInfo) -> Any:
        """Of a file alone: a stored study of before has no such images, and is measured as it was."""
        if not isinstance(given, dict) or not is_study_file(info) or "test_fraction" in given:
            return given
        known = DATA_SETS.get(str(given.get("name")))
        return given if known is None else {**given, "test_fraction": known.test_fraction}

    @model_validator(mode="after")
    def _test_images_are_of_one_kind(self) -> DatasetSection:
        if self.test_fraction and DATA_SETS[self.name].test_images:
            raise wrong(f"has test_fraction, but {self.name} has test images of its own", do="remove test_fraction")
        return self

    @model_validator(mode="after")
    def _labels_fit_name(self) -> DatasetSection:
        if self.labels is not None and self.name != "folder":
            raise wrong(f"has labels, but {self.name} has its own", do="remove the key labels, or set name: folder")
        return self

    @model_validator(mode="after")
    def _path_fits_name(self) -> DatasetSection:
        needs_path = DATA_SETS[self.name].needs_path
        if not needs_path and self.path is not None:
            raise wrong(f"has a path, but {self.name} is part of scikit-learn", do="remove the path")
        if needs_path and self.path is None:
            raise wrong(f"has no path to the images of {self.name}", do="add the key path")
        for key in ("prepared", "memory"):
            if getattr(self, key) is not None and not DATA_SETS[self.name].files:
                raise wrong(f"has the key {key}, but {self.name} is read whole, and fast", do="remove the key")
        return self


class TrainerSection(Section):
    dataset: DatasetSection
    """The images."""
    protocol: ProtocolName | None = None
    """One of the paper's ways to train; sets its keys, unless the file sets them."""
    parameter_limit: Annotated[Whole, Field(ge=1, le=10_000_000_000)] = _limit()
    """Most parameters that a network may have in all; each gets the largest width that stays within."""
    batch_size: Annotated[Whole, Field(ge=1, le=65_536)] = _of_dataset(digits=64, folder=96, cifar=96)
    """Images per step."""
    learning_rate: Annotated[Real, Field(gt=0, le=100)] = _of_dataset(digits=0.1, folder=0.025, cifar=0.025)
    """At the first step; a cosine takes it to zero over the trial's epochs."""
    learning_rate_from: BatchPoint | None = None
    """Learning rate of a reduced batch: interpolated linearly between the recipe's own batch and this point."""
    memory: Annotated[ByteCount, Field(ge=1)] | None = None
    """What a training may take on its device; each network gets the largest batch that fits, up to `batch_size`."""
    smallest_batch_size: Annotated[Whole, Field(ge=1, le=65_536)] = 1
    """A network for which not even this many images fit into the memory is infeasible."""
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9
    """Of SGD."""
    weight_decay: Annotated[Real, Field(ge=0, le=1)] = _of_dataset(digits=1e-3, folder=3e-4, cifar=3e-4)
    """L2 penalty on all weights."""
    gradient_clip: Annotated[Real, Field(ge=0, le=1e6)] = 5.0
    """Largest norm of the gradient; 0 switches clipping off."""
    label_smoothing: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """Share of the target that is spread evenly over all classes."""
    dropout: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    """Probability of zeroing a feature before the classifier."""
    crop_padding: Annotated[Whole, Field(ge=0, le=512)] = _part_of_image(digits=0, folder=8, cifar=8)
    """Pixels of zero padding before a random crop of the training images; 0 switches cropping off."""
    horizontal_flip: Switch = _of_dataset(digits=False, folder=True, cifar=True)
    """Whether training images are mirrored at random."""
    cutout: Annotated[Whole, Field(ge=0, le=1024)] = _part_of_image(digits=0, folder=2, cifar=2, of_protocols=2)
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
