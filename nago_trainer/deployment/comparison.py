"""Whether an exported file computes what the network computes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nago_trainer.errors import ExportError

TOLERANCE = 1e-4
"""Largest difference of a logit, as a share of 1 + the largest logit."""
ROUNDED_TOLERANCE = 1e-2
"""The same with preprocessing: a pixel at the middle between two bytes may be rounded either way."""


def largest_difference(
    network: nn.Module, images: Sequence[Tensor], found: Sequence[Tensor], *, rounded: bool
) -> float:
    """Of the logits `found` of the batches `images`. Raises ExportError where it is beyond the tolerance."""
    largest = 0.0
    with torch.no_grad():
        for batch, logits in zip(images, found, strict=True):
            wanted = network(batch)
            if logits.shape != wanted.shape:
                raise ExportError(f"the exported file gives logits of shape {list(logits.shape)}")
            difference = (logits - wanted).abs().max().item()
            allowed = (ROUNDED_TOLERANCE if rounded else TOLERANCE) * (1 + wanted.abs().max().item())
            if not difference <= allowed:  # NaN too
                raise ExportError(
                    f"the exported file does not match the network: a logit differs by {difference:.3g}; "
                    f"the tolerance is {allowed:.3g}",
                    do="try another version of the export library, and report this",
                )
            largest = max(largest, difference)
    return largest
