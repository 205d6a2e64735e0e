"""Channels and pixels of each stage, for the notes of a drawing."""

from __future__ import annotations

from nago_trainer.architecture.architecture import Architecture
from nago_trainer.architecture.plan.assemble import LARGE_IMAGE
from nago_trainer.architecture.plan.plan import TensorShape


def stage_shapes(architecture: Architecture, image_size: int, width: int) -> tuple[TensorShape, ...]:
    """What the plan of this width gives to the cells of each stage; also of stages without a cell."""
    full = image_size if image_size < LARGE_IMAGE else -(-image_size // 4)
    widest = max(architecture.channel_ratio[stage] for stage in architecture.stages)
    return tuple(
        TensorShape(channels=max(1, round(width * ratio / widest)), size=max(1, full >> stage))
        for stage, ratio in enumerate(architecture.channel_ratio)
    )
