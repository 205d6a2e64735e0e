"""The `space` section: which generator, and which of its hyperparameters are searched, in which range, or fixed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from nago_orchestrator.domain.space import Dimension, FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.errors import SpecError
from nago_orchestrator.formatting.suggestions import suggestion
from nago_orchestrator.spec.choices import Bounds
from nago_orchestrator.spec.hyperparameters import SECTIONS, HnagHyperparameters, Hyperparameters, RnagHyperparameters
from nago_orchestrator.spec.presets import PRESETS
from nago_orchestrator.spec.scalars import Switch, known_word, wrong
from nago_orchestrator.spec.section import Section
from nago_trainer.architecture.generators.registry import GENERATORS
from nago_trainer.architecture.theta import Hyperparameter

GeneratorName = Literal["hnag", "rnag"]
PresetName = Literal["hnag", "hnag-merges-operations", "hnag-stages-channels", "rnag", "rnag-d", "darts-like"]


def _of_preset(validated: dict[str, Any]) -> Any:
    preset = validated["preset"]
    return "hnag" if preset is None else PRESETS[preset].generator


def _read_preset(value: Any) -> str | None:
    return None if value is None else known_word("preset", tuple(PRESETS))(value)


class SpaceSection(Section):
    preset: Annotated[PresetName | None, BeforeValidator(_read_preset), Field(exclude=True)] = None
    """A named search space; the other keys override what it sets."""
    generator: Annotated[GeneratorName, BeforeValidator(known_word("generator", tuple(GENERATORS)))] = Field(
        default_factory=_of_preset, json_schema_extra={"x-default": "that of the preset, else hnag"}
    )
    """The network generator: `hnag`, hierarchical with three levels, or `rnag`, three graphs in sequence."""
    connected: Switch = False
    """Whether disconnected graphs are resampled until they are connected."""
    hyperparameters: HnagHyperparameters | RnagHyperparameters = Field(
        default_factory=lambda validated: _write_out({}, validated),
        json_schema_extra={"x-default": "those of the preset, else the paper's"},
    )
    """Per hyperparameter of the generator: a range {low, high}, a fixed number, or `paper`."""

    @field_validator("generator", mode="after")
    @classmethod
    def _generator_is_the_presets(cls, generator: str, info: ValidationInfo) -> str:
        preset = info.data.get("preset")
        if preset is not None and PRESETS[preset].generator != generator:
            raise wrong(
                f"is {generator}, but the preset {preset} is of {PRESETS[preset].generator}", do="remove one of them"
            )
        return generator

    @field_validator("hyperparameters", mode="wrap")
    @classmethod
    def _hyperparameters_are_the_generators(
        cls, value: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Hyperparameters:
        if {"preset", "generator"} <= info.data.keys():
            return _write_out(value, info.data)
        return HnagHyperparameters()  # there is an error already, and it decides what is right here

    @model_validator(mode="after")
    def _preset_is_written_out(self) -> SpaceSection:
        return self if self.preset is None else self.model_copy(update={"preset": None})

    def search_space(self) -> SearchSpace:
        items = GENERATORS[self.generator].hyperparameters
        choices = [(item, getattr(self.hyperparameters, item.name)) for item in items]
        return SearchSpace(
            generator=self.generator,
            connected=self.connected,
            dimensions=tuple(_dimension(item, choice) for item, choice in choices if isinstance(choice, Bounds)),
            fixed={item.name: choice for item, choice in choices if not isinstance(choice, Bounds)},
        )


def preset_of(space: SearchSpace) -> str | None:
    """The name of the preset that has the same hyperparameters in the same ranges, if there is one."""
    for name in PRESETS:
        named = preset_space(name)
        if (named.generator, named.dimensions, named.fixed) == (space.generator, space.dimensions, space.fixed):
            return name
    return None


def preset_space(name: str) -> SearchSpace:
    """Raises SpecError for a name that no preset has."""
    if name not in PRESETS:
        raise SpecError(f"there is no preset '{name}'", do=suggestion(name, PRESETS))
    return SpaceSection.model_validate({"preset": name}).search_space()


def _write_out(value: Any, validated: dict[str, Any]) -> Hyperparameters:
    """The study file's values override the preset's, which override the paper's.

    Raises ValidationError, whose locations pydantic puts behind that of the section.
    """
    generator, preset = validated["generator"], validated["preset"]
    section = SECTIONS[generator]
    if not isinstance(value, dict):
        return section.model_validate(value)
    _refuse_others(value, generator)
    changes = PRESETS[preset].changes if preset is not None else {}
    named = {
        name: {"low": choice[0], "high": choice[1]} if isinstance(choice, tuple) else choice
        for name, choice in changes.items()
    }
    return section.model_validate({**named, **value})


def _refuse_others(value: dict[str, Any], generator: str) -> None:
    """A hyperparameter of another generator is no typo: say which generator it belongs to."""
    known = GENERATORS[generator].names
    problems = [
        InitErrorDetails(
            type=wrong(f"is a hyperparameter of the generator {other}, not of {generator}"),
            loc=(name,),
            input=value[name],
        )
        for name in value
        for other, its in GENERATORS.items()
        if name not in known and name in its.names
    ]
    if problems:
        raise ValidationError.from_exception_data("hyperparameters", problems)


def _dimension(item: Hyperparameter, bounds: Bounds) -> Dimension:
    if item.kind == "int":
        return IntegerRange(name=item.name, low=int(bounds.low), high=int(bounds.high))
    return FloatRange(name=item.name, low=bounds.low, high=bounds.high)
