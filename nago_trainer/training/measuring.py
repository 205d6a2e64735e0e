"""The measures of a trained network, for its result: one more pass over the images that it is validated on."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from nago_trainer.contract.reports import MEASURES
from nago_trainer.data.splits import Examples, Normalisation
from nago_trainer.training.measures import Measures, Tally

WORST: dict[str, Any] = {**dict.fromkeys(MEASURES, 0.0), "calibration_error": 1.0}
"""Of a training that diverged."""


def measure_network(
    network: nn.Module, examples: Examples, normalisation: Normalisation, *, batch_size: int, classes: int
) -> Measures | None:
    """None for a network whose outputs are not finite. In evaluation mode, in which the network is left."""
    tally = Tally(classes)
    network.eval()
    with torch.inference_mode():
        for start in range(0, len(examples.labels), batch_size):
            chosen = slice(start, start + batch_size)
            logits = network(normalisation.apply(examples.at(chosen))).float().cpu()
            if not bool(torch.isfinite(logits).all()):
                return None
            tally.add(examples.labels[chosen].cpu().numpy(), logits.numpy())
    return tally.measures()


def reported(measures: Measures | None) -> dict[str, Any]:
    """The fields of a TrialResult; `measures`: None if the training diverged."""
    return WORST if measures is None else {name: getattr(measures, name) for name in WORST}
