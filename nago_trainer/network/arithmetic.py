"""How a network is computed, as the study says; what it computes is its plan's alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch

from nago_trainer.contract.task import AUTO_LAYOUT, CHANNELS_LAST, TrainingSettings

_MIXED = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    precision: str = "fp32"
    """Of the feature maps; weights, and what is delicate, stay fp32 (torch's autocast)."""
    channels_last: bool = False
    """The order of the feature maps' numbers in memory. Results differ by rounding."""
    recompute: bool = False
    """Whether training keeps less in memory and computes some of it twice. Results are the same to the bit."""

    @classmethod
    def of(cls, settings: TrainingSettings, device: torch.device) -> Self:
        last = settings.layout == CHANNELS_LAST or (settings.layout == AUTO_LAYOUT and device.type == "cpu")
        return cls(
            precision=settings.precision,
            channels_last=last,
            recompute=settings.recompute,
        )

    @property
    def mixed(self) -> torch.dtype | None:
        """The type of the feature maps where it is another than that of the weights."""
        return _MIXED.get(self.precision)

    @property
    def layout(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format
