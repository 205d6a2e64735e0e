"""One hyperparameter's key in the study file: a range, a fixed number, or the word `paper`.

Names, legal values and the paper's choices come from `nago_trainer.architecture.generators.registry.GENERATORS`; a
hyperparameter that two generators share is the same for both.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from nago_orchestrator.spec.scalars import format_number, read_real, wrong
from nago_orchestrator.spec.section import Section
from nago_trainer.architecture.generators.registry import GENERATORS
from nago_trainer.architecture.theta import Hyperparameter

PAPER = "paper"
SHAPES = ("range", "fixed")
"""The two forms of a hyperparameter, as they appear in pydantic's error locations."""
_BY_NAME = {item.name: item for generator in GENERATORS.values() for item in generator.hyperparameters}


def _read_number(value: Any) -> int | float:
    real = read_real(value)
    return value if isinstance(value, int) else real


Number = Annotated[int | float, BeforeValidator(_read_number)]


class Bounds(Section):
    """A range to search, both ends included."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Bounds:
        low, high = format_number(self.low), format_number(self.high)
        if self.low == self.high:
            raise wrong(f"has low and high both {low}", do="write the number alone to fix the value")
        if self.low > self.high:
            raise wrong(f"has low {low} above high {high}")
        return self


def _read_paper(value: Any, info: ValidationInfo) -> Any:
    if value != PAPER or isinstance(value, bool):
        return value
    return _paper(info.field_name or "")


def _paper(name: str) -> dict[str, int | float] | int | float:
    default = _BY_NAME[name].default
    return {"low": default[0], "high": default[1]} if isinstance(default, tuple) else default


def _shape(value: Any) -> str | None:
    if isinstance(value, (dict, Bounds)):
        return "range"
    return "fixed" if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _check_legal(value: Bounds | int | float, info: ValidationInfo) -> Bounds | int | float:
    hyperparameter = _BY_NAME[info.field_name or ""]
    if isinstance(value, Bounds):
        low, high = (_legal(hyperparameter, end) for end in (value.low, value.high))
        return value.model_copy(update={"low": low, "high": high})
    return _legal(hyperparameter, value)


def _legal(hyperparameter: Hyperparameter, value: int | float) -> int | float:
    whole = hyperparameter.kind == "int"
    if (whole and value != int(value)) or not hyperparameter.low <= value <= hyperparameter.high:
        noun = "an integer" if whole else "a number"
        legal = f"{noun} from {format_number(hyperparameter.low)} to {format_number(hyperparameter.high)}"
        raise wrong(f"must be {legal}, found {format_number(value)}")
    return int(value) if whole else float(value)


def _allow_the_word_paper(schema: dict[str, Any]) -> None:
    schema["oneOf"].append({"const": PAPER})


Choice = Annotated[
    Annotated[
        Annotated[Bounds, Tag("range")] | Annotated[Number, Tag("fixed")],
        Discriminator(
            _shape,
            custom_error_type="study_file",
            custom_error_message="{sentence_end}",
            custom_error_context={"sentence_end": "must be a range {low: ..., high: ...}, a number or the word paper"},
        ),
    ],
    BeforeValidator(_read_paper),
    AfterValidator(_check_legal),
    Field(json_schema_extra=_allow_the_word_paper),
]
"""A range to search, a fixed number, or the word `paper` for what the paper does with this hyperparameter."""


def default_choice(name: str) -> Any:
    """What the paper does with the hyperparameter."""
    default = _paper(name)
    return Bounds(**default) if isinstance(default, dict) else default
