"""The hyperparameters of each generator as keys of the study file, in the generator's order and with its names."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from nago_orchestrator.spec.choices import Bounds, Choice, default_choice
from nago_orchestrator.spec.scalars import wrong
from nago_orchestrator.spec.section import Section
from nago_trainer.architecture.theta import POSITIVE_SUMS, group_names


class HnagHyperparameters(Section):
    top_nodes: Choice = default_choice("top_nodes")
    """Nodes of the top graph (Watts–Strogatz): the cells of the network. Legal: 1 to 64."""
    top_k: Choice = default_choice("top_k")
    """Ring neighbours of each top node before rewiring; odd values count as one less. Legal: 0 to 63."""
    top_p: Choice = default_choice("top_p")
    """Probability that an edge of the top graph is rewired. Legal: 0 to 1."""
    mid_nodes: Choice = default_choice("mid_nodes")
    """Nodes of each cell's middle graph (Erdős–Rényi). Legal: 1 to 64."""
    mid_p: Choice = default_choice("mid_p")
    """Probability of each possible edge of a middle graph. Legal: 0 to 1."""
    bottom_nodes: Choice = default_choice("bottom_nodes")
    """Operations of each bottom graph (Watts–Strogatz). Legal: 1 to 64."""
    bottom_k: Choice = default_choice("bottom_k")
    """Ring neighbours of each bottom node before rewiring; odd values count as one less. Legal: 0 to 63."""
    bottom_p: Choice = default_choice("bottom_p")
    """Probability that an edge of a bottom graph is rewired. Legal: 0 to 1."""
    stage_ratio_1: Choice = default_choice("stage_ratio_1")
    """Share of the top nodes in the first stage; only the proportions of the three count. Legal: 0 to 1000000."""
    stage_ratio_2: Choice = default_choice("stage_ratio_2")
    """Share of the second stage, at half the resolution. Legal: 0 to 1000000."""
    stage_ratio_3: Choice = default_choice("stage_ratio_3")
    """Share of the third stage, at a quarter of the resolution. Legal: 0 to 1000000."""
    channel_ratio_1: Choice = default_choice("channel_ratio_1")
    """Channels of the first stage in proportion to the other two. Legal: 0.000001 to 1000000."""
    channel_ratio_2: Choice = default_choice("channel_ratio_2")
    """Channels of the second stage in proportion. Legal: 0.000001 to 1000000."""
    channel_ratio_3: Choice = default_choice("channel_ratio_3")
    """Channels of the third stage in proportion. Legal: 0.000001 to 1000000."""
    operation_conv1x1: Choice = default_choice("operation_conv1x1")
    """Weight of the 1×1 convolution when a node's operation is drawn; only proportions count. Legal: 0 to 1000000."""
    operation_conv3x3: Choice = default_choice("operation_conv3x3")
    """Weight of the 3×3 convolution. Legal: 0 to 1000000."""
    operation_conv5x5: Choice = default_choice("operation_conv5x5")
    """Weight of the 5×5 convolution. Legal: 0 to 1000000."""
    operation_pool3x3: Choice = default_choice("operation_pool3x3")
    """Weight of 3×3 average pooling. Legal: 0 to 1000000."""
    operation_pool5x5: Choice = default_choice("operation_pool5x5")
    """Weight of 5×5 average pooling. Legal: 0 to 1000000."""
    merge_weighted_sum: Choice = default_choice("merge_weighted_sum")
    """Weight of the weighted sum when a node's merge is drawn; only proportions count. Legal: 0 to 1000000."""
    merge_attention_sum: Choice = default_choice("merge_attention_sum")
    """Weight of the attention-weighted sum. Legal: 0 to 1000000."""
    merge_concat: Choice = default_choice("merge_concat")
    """Weight of concatenation. Legal: 0 to 1000000."""

    @model_validator(mode="after")
    def _some_weight_is_positive(self) -> Self:
        check_positive_sums(self)
        return self


class RnagHyperparameters(Section):
    stage_1_nodes: Choice = default_choice("stage_1_nodes")
    """Nodes of the first stage's graph (Watts–Strogatz), at full resolution. Legal: 1 to 64."""
    stage_1_k: Choice = default_choice("stage_1_k")
    """Ring neighbours of each of its nodes before rewiring; odd values count as one less. Legal: 0 to 63."""
    stage_1_p: Choice = default_choice("stage_1_p")
    """Probability that one of its edges is rewired. Legal: 0 to 1."""
    stage_2_nodes: Choice = default_choice("stage_2_nodes")
    """Nodes of the second stage's graph, at half the resolution. Legal: 1 to 64."""
    stage_2_k: Choice = default_choice("stage_2_k")
    """Ring neighbours of each of its nodes before rewiring; odd values count as one less. Legal: 0 to 63."""
    stage_2_p: Choice = default_choice("stage_2_p")
    """Probability that one of its edges is rewired. Legal: 0 to 1."""
    stage_3_nodes: Choice = default_choice("stage_3_nodes")
    """Nodes of the third stage's graph, at a quarter of the resolution. Legal: 1 to 64."""
    stage_3_k: Choice = default_choice("stage_3_k")
    """Ring neighbours of each of its nodes before rewiring; odd values count as one less. Legal: 0 to 63."""
    stage_3_p: Choice = default_choice("stage_3_p")
    """Probability that one of its edges is rewired. Legal: 0 to 1."""
    channel_ratio_1: Choice = default_choice("channel_ratio_1")
    """Channels of the first stage in proportion to the other two. Legal: 0.000001 to 1000000."""
    channel_ratio_2: Choice = default_choice("channel_ratio_2")
    """Channels of the second stage in proportion. Legal: 0.000001 to 1000000."""
    channel_ratio_3: Choice = default_choice("channel_ratio_3")
    """Channels of the third stage in proportion. Legal: 0.000001 to 1000000."""
    operation_conv1x1: Choice = default_choice("operation_conv1x1")
    """Weight of the 1×1 convolution when a node's operation is drawn; only proportions count. Legal: 0 to 1000000."""
    operation_conv3x3: Choice = default_choice("operation_conv3x3")
    """Weight of the 3×3 convolution. Legal: 0 to 1000000."""
    operation_conv5x5: Choice = default_choice("operation_conv5x5")
    """Weight of the 5×5 convolution. Legal: 0 to 1000000."""
    operation_pool3x3: Choice = default_choice("operation_pool3x3")
    """Weight of 3×3 average pooling. Legal: 0 to 1000000."""
    operation_pool5x5: Choice = default_choice("operation_pool5x5")
    """Weight of 5×5 average pooling. Legal: 0 to 1000000."""
    merge_weighted_sum: Choice = default_choice("merge_weighted_sum")
    """Weight of the weighted sum when a node's merge is drawn; only proportions count. Legal: 0 to 1000000."""
    merge_attention_sum: Choice = default_choice("merge_attention_sum")
    """Weight of the attention-weighted sum. Legal: 0 to 1000000."""
    merge_concat: Choice = default_choice("merge_concat")
    """Weight of concatenation. Legal: 0 to 1000000."""

    @model_validator(mode="after")
    def _some_weight_is_positive(self) -> Self:
        check_positive_sums(self)
        return self


Hyperparameters = HnagHyperparameters | RnagHyperparameters
SECTIONS: dict[str, type[HnagHyperparameters] | type[RnagHyperparameters]] = {
    "hnag": HnagHyperparameters,
    "rnag": RnagHyperparameters,
}
"""By generator."""


def check_positive_sums(section: Section) -> None:
    """Refuses a section that leaves a group of weights, or the stages' shares, nothing to be drawn from."""
    for prefix in POSITIVE_SUMS:
        choices = [getattr(section, name) for name in group_names(type(section).model_fields, prefix)]
        if choices and not any(choice.high if isinstance(choice, Bounds) else choice for choice in choices):
            raise wrong(f"fixes every {prefix}_... at 0, and at least one must be above 0")
