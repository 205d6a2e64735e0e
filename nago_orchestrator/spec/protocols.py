"""The paper's ways to train, by name: each a complete set of values for the keys of a training.

`docs/training.md` grades the evidence for every value. A key of the study file replaces the protocol's value. The
values are stored with the study, so a later change of a protocol does not affect it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from nago_orchestrator.spec.scalars import Real, Whole, known_word
from nago_orchestrator.spec.section import Section
from nago_trainer.contract.learning_rate import rate_between

LARGE_IMAGES = 65
"""Pixels of a side from which the paper's limit for large images holds; the paper has 32 and 224."""
LIMIT_OF_SMALL_IMAGES, LIMIT_OF_LARGE_IMAGES = 4_000_000, 6_000_000


class BatchPoint(Section):
    """A batch size and the learning rate that belongs to it."""

    batch_size: Annotated[Whole, Field(ge=1, le=65_536)]
    """Images per step."""
    learning_rate: Annotated[Real, Field(gt=0, le=100)]
    """At this batch size."""

    def reference(self) -> dict[str, Any]:
        """As the recipe has it."""
        return {"reference_batch_size": self.batch_size, "reference_learning_rate": self.learning_rate}


_DARTS: Mapping[str, Any] = {
    "momentum": 0.9,
    "weight_decay": 3e-4,
    "gradient_clip": 5.0,
    "label_smoothing": 0.0,
    "dropout": 0.0,
}
PROTOCOLS: Mapping[str, Mapping[str, Any]] = {
    "search": {
        **_DARTS,
        "batch_size": 512,
        "learning_rate": 0.1,
        "learning_rate_from": {"batch_size": 96, "learning_rate": 0.025},
        "memory": 16_000_000_000,
    },
    "complete": {
        **_DARTS,
        "batch_size": 96,
        "learning_rate": 0.025,
        "learning_rate_from": {"batch_size": 96, "learning_rate": 0.025},
    },
    "complete-imagenet": {
        **_DARTS,
        "weight_decay": 5e-5,
        "batch_size": 256,
        "learning_rate": 0.1,
        "learning_rate_from": {"batch_size": 256, "learning_rate": 0.1},
    },
}
"""Of a search the batch is the largest that fits into `memory`, up to `batch_size`."""
ProtocolName = Annotated[
    str,
    BeforeValidator(known_word("protocol", tuple(PROTOCOLS))),
    WithJsonSchema({"enum": [*PROTOCOLS], "type": "string"}),
]
EPOCHS: Mapping[str, int] = {"complete": 600, "complete-imagenet": 250}
"""Of final training; a search has its `fidelities`."""


def with_protocol(name: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The section's keys with the protocol's value for each that is absent; unchanged for an unknown protocol.

    A batch size without a learning rate gets the one that the protocol's line has there.
    """
    protocol = PROTOCOLS.get(name) if isinstance(name, str) else None
    if protocol is None:
        return dict(given)
    found = {**protocol, **given}
    if "learning_rate" not in given and "learning_rate_from" not in given and _is_batch(given.get("batch_size")):
        found["learning_rate"] = _rate(protocol, given["batch_size"])
    return found


def parameter_limit(image_size: int) -> int:
    return LIMIT_OF_LARGE_IMAGES if image_size >= LARGE_IMAGES else LIMIT_OF_SMALL_IMAGES


def protocol_cutout(image_size: int) -> int:
    """16 of 32 pixels, 112 of 224."""
    return image_size // 2


def _is_batch(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 1


def _rate(protocol: Mapping[str, Any], batch_size: float) -> float:
    points = protocol, protocol["learning_rate_from"]
    own, reference = ((point["batch_size"], point["learning_rate"]) for point in points)
    return rate_between(batch_size, own, reference)
