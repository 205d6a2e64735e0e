"""Defaults that depend on the dataset, as fields of a section: the schema tells them in words.

For CIFAR they are the paper's recipe (parameter limit 4.0 million, batch size 96, learning rate 0.025, a cutout of half
the image's side; momentum, weight decay and clipping as in DARTS, whose recipe the paper's numbers match). A small
network on 8×8 digits wants something smaller and quicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from nago_orchestrator.spec.protocols import LIMIT_OF_LARGE_IMAGES, LIMIT_OF_SMALL_IMAGES, parameter_limit
from nago_trainer.contract.data_sets import DATA_SETS


def of_dataset(*, digits: Any, folder: Any, cifar: Any, photographs: Any = None) -> Any:
    """A field whose default is looked up by the dataset's name; the schema tells it in words."""
    table = _by_name(digits=digits, folder=folder, cifar=cifar, photographs=photographs)

    def default(validated: dict[str, Any]) -> Any:
        dataset = validated.get("dataset")
        name = validated.get("name", "folder") if dataset is None else dataset.name
        return table[name]

    return Field(default_factory=default, json_schema_extra={"x-default": in_words(table)})


def limit_of_dataset() -> Any:
    """The dataset's; with a protocol that of the images' size."""
    own = of_dataset(
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


def part_of_image(*, digits: int, folder: int, cifar: int, of_protocols: int | None = None) -> Any:
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
    return Field(default_factory=default, json_schema_extra={"x-default": in_words(parts)})


def _by_name(*, folder: Any, photographs: Any = None, **others: Any) -> dict[str, Any]:
    """Photographs have the values of a folder, unless they are given."""
    values = {**others, "folder": folder, "photographs": folder if photographs is None else photographs}
    return {name: values[dataset.defaults] for name, dataset in DATA_SETS.items()}


def in_words(table: Mapping[str, Any]) -> str:
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in table.items()}
    if len(set(texts.values())) == 1:
        return texts["folder"]
    others = {text for name, text in texts.items() if name != "digits"}
    if len(others) == 1:
        return f"digits {texts['digits']}, others {texts['folder']}"
    return ", ".join(
        f"{', '.join(name for name in texts if texts[name] == text)} {text}" for text in dict.fromkeys(texts.values())
    )
