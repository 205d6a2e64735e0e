"""The `space` section: which generator hyperparameters are searched, in which range, and which are fixed.

Names, legal values and the paper's choices come from `nago_trainer.architecture.theta.HYPERPARAMETERS`; the fields
here have the same names in the same order.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)

from nago_orchestrator.space import Dimension, FloatRange, IntegerRange, SearchSpace
from nago_orchestrator.spec.scalars import Switch, format_number, known_word, read_real, wrong
from nago_orchestrator.spec.section import Section
from nago_trainer.architecture.theta import HYPERPARAMETERS, Hyperparameter

PAPER = "paper"
SHAPES = ("range", "fixed")
"""The two forms of a hyperparameter, as they appear in pydantic's error locations."""
_BY_NAME = {hyperparameter.name: hyperparameter for hyperparameter in HYPERPARAMETERS}
_POSITIVE_SUM = ("stage_ratio", "operation", "merge")


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
            raise wrong(f"has low and high both {low}: to fix it, write the number alone")
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
        noun = "a whole number" if whole else "a number"
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
            custom_error_context={"sentence_end": "needs a range {low: ..., high: ...}, a number or the word paper"},
        ),
    ],
    BeforeValidator(_read_paper),
    AfterValidator(_check_legal),
    Field(json_schema_extra=_allow_the_word_paper),
]
"""A range to search, a fixed number, or the word `paper` for what the paper does with this hyperparameter."""


def _default(name: str) -> Any:
    default = _paper(name)
    return Bounds(**default) if isinstance(default, dict) else default


class HyperparametersSection(Section):
    top_nodes: Choice = _default("top_nodes")
    """Nodes of the top graph (Watts–Strogatz): the cells of the network. Legal: 1 to 64."""
    top_k: Choice = _default("top_k")
    """Ring neighbours of each top node before rewiring; odd values count as one less. Legal: 0 to 63."""
    top_p: Choice = _default("top_p")
    """Probability that an edge of the top graph is rewired. Legal: 0 to 1."""
    mid_nodes: Choice = _default("mid_nodes")
    """Nodes of each cell's middle graph (Erdős–Rényi). Legal: 1 to 64."""
    mid_p: Choice = _default("mid_p")
    """Probability of each possible edge of a middle graph. Legal: 0 to 1."""
    bottom_nodes: Choice = _default("bottom_nodes")
    """Operations of each bottom graph (Watts–Strogatz). Legal: 1 to 64."""
    bottom_k: Choice = _default("bottom_k")
    """Ring neighbours of each bottom node before rewiring; odd values count as one less. Legal: 0 to 63."""
    bottom_p: Choice = _default("bottom_p")
    """Probability that an edge of a bottom graph is rewired. Legal: 0 to 1."""
    stage_ratio_1: Choice = _default("stage_ratio_1")
    """Share of the top nodes in the first stage; only the proportions of the three count. Legal: 0 to 1000000."""
    stage_ratio_2: Choice = _default("stage_ratio_2")
    """Share of the second stage, at half the resolution. Legal: 0 to 1000000."""
    stage_ratio_3: Choice = _default("stage_ratio_3")
    """Share of the third stage, at a quarter of the resolution. Legal: 0 to 1000000."""
    channel_ratio_1: Choice = _default("channel_ratio_1")
    """Channels of the first stage in proportion to the other two. Legal: 0.000001 to 1000000."""
    channel_ratio_2: Choice = _default("channel_ratio_2")
    """Channels of the second stage in proportion. Legal: 0.000001 to 1000000."""
    channel_ratio_3: Choice = _default("channel_ratio_3")
    """Channels of the third stage in proportion. Legal: 0.000001 to 1000000."""
    operation_conv1x1: Choice = _default("operation_conv1x1")
    """Weight of the 1×1 convolution when a node's operation is drawn; only proportions count. Legal: 0 to 1000000."""
    operation_conv3x3: Choice = _default("operation_conv3x3")
    """Weight of the 3×3 convolution. Legal: 0 to 1000000."""
    operation_conv5x5: Choice = _default("operation_conv5x5")
    """Weight of the 5×5 convolution. Legal: 0 to 1000000."""
    operation_pool3x3: Choice = _default("operation_pool3x3")
    """Weight of 3×3 average pooling. Legal: 0 to 1000000."""
    operation_pool5x5: Choice = _default("operation_pool5x5")
    """Weight of 5×5 average pooling. Legal: 0 to 1000000."""
    merge_weighted_sum: Choice = _default("merge_weighted_sum")
    """Weight of the weighted sum when a node's merge is drawn; only proportions count. Legal: 0 to 1000000."""
    merge_attention_sum: Choice = _default("merge_attention_sum")
    """Weight of the attention-weighted sum. Legal: 0 to 1000000."""
    merge_concat: Choice = _default("merge_concat")
    """Weight of concatenation. Legal: 0 to 1000000."""

    @model_validator(mode="after")
    def _some_weight_is_positive(self) -> HyperparametersSection:
        for prefix in _POSITIVE_SUM:
            choices = [getattr(self, name) for name in _BY_NAME if name.startswith(f"{prefix}_")]
            if not any(choice.high if isinstance(choice, Bounds) else choice for choice in choices):
                raise wrong(f"fixes every {prefix}_... at 0: at least one must be above")
        return self


class SpaceSection(Section):
    generator: Annotated[Literal["hnag"], BeforeValidator(known_word("generator", ("hnag",)))] = "hnag"
    """The network generator; `hnag` is the hierarchical one of three levels."""
    connected: Switch = False
    """Whether disconnected middle graphs are drawn again until they are connected."""
    hyperparameters: HyperparametersSection = HyperparametersSection()
    """Per hyperparameter: a range {low, high}, a fixed number, or `paper`."""

    def search_space(self) -> SearchSpace:
        choices = {name: getattr(self.hyperparameters, name) for name in _BY_NAME}
        return SearchSpace(
            generator=self.generator,
            connected=self.connected,
            dimensions=tuple(
                _dimension(name, choice) for name, choice in choices.items() if isinstance(choice, Bounds)
            ),
            fixed={name: choice for name, choice in choices.items() if not isinstance(choice, Bounds)},
        )


def _dimension(name: str, bounds: Bounds) -> Dimension:
    if _BY_NAME[name].kind == "int":
        return IntegerRange(name=name, low=int(bounds.low), high=int(bounds.high))
    return FloatRange(name=name, low=bounds.low, high=bounds.high)
