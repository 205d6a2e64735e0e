"""Search spaces that have a name: a generator with the ranges and values in which it departs from the paper's main one.

docs/generator.md says where each number comes from. The `space` section reads them, `nago-orch space` compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nago_trainer.architecture.theta import MERGES, OPERATIONS

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    generator: str
    meaning: str
    """One line for people."""
    changes: Mapping[str, tuple[Number, Number] | Number]
    """By hyperparameter, a range or a fixed value; the others are as in the paper."""


_WEIGHT = (0.01, 1.0)
"""Of an operation or a merge: never all 0, and nearly every mixture can be drawn."""
_SHARE = (0.1, 1.0)
"""Of a stage: from 5 to 83 % of the cells."""
_CHANNELS = (1.0, 4.0)
"""Of a stage: from a quarter to four times another one's, as in the paper's own 1 : 2 : 4."""

PRESETS: Mapping[str, Preset] = {
    "hnag": Preset(
        generator="hnag", meaning="the paper's hierarchical generator: its 8 graph hyperparameters", changes={}
    ),
    "hnag-merges-operations": Preset(
        generator="hnag",
        meaning="hnag, and the mixture of five operations and two merges: 15 hyperparameters",
        changes={
            **{f"operation_{name}": _WEIGHT for name in OPERATIONS},
            **{f"merge_{name}": _WEIGHT for name in MERGES if name != "attention_sum"},
        },
    ),
    "hnag-stages-channels": Preset(
        generator="hnag",
        meaning="hnag, and the ratios of the stages' cells and channels: 14 hyperparameters",
        changes={
            **{f"stage_ratio_{stage}": _SHARE for stage in (1, 2, 3)},
            **{f"channel_ratio_{stage}": _CHANNELS for stage in (1, 2, 3)},
        },
    ),
    "rnag": Preset(
        generator="rnag", meaning="three Watts–Strogatz graphs in sequence: their 9 hyperparameters", changes={}
    ),
    "rnag-d": Preset(
        generator="rnag",
        meaning="the default of randomly wired networks, nothing searched: WS(32, 4, 0.75) in each stage",
        changes={
            f"stage_{stage}_{part}": value
            for stage in (1, 2, 3)
            for part, value in (("nodes", 32), ("k", 4), ("p", 0.75))
        },
    ),
    "darts-like": Preset(
        generator="hnag",
        meaning="20 cells one after another, each a single graph of 3 to 10 operations: 3 hyperparameters",
        changes={"top_nodes": 20, "top_k": 2, "top_p": 0.0, "mid_nodes": 1, "mid_p": 0.0},
    ),
}
