from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from nago_trainer.contract.class_details import ClassDetails
from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.images import ImageSet
from nago_trainer.data.splits import make_splits
from nago_trainer.training.measuring import details_of, measure_network, reported

SETTINGS = DatasetSettings(
    name="folder", path="/", image_size=4, channels=1, classes=2, validation_fraction=0.5, split_seed=1
)


class Answers(nn.Module):
    """Class 0 unless a picture is brighter than the mean of all."""

    def forward(self, pixels: Tensor) -> Tensor:
        bright = pixels.mean(dim=(1, 2, 3))
        return torch.stack([-bright, bright], dim=1)


def images() -> ImageSet:
    """Of class 1 the first two are dark."""
    bright = [0, 0, 0, 0, 10, 20, 250, 255]
    return ImageSet(
        pixels=np.array([np.full((1, 4, 4), value) for value in bright], dtype=np.uint8),
        labels=np.array([0] * 4 + [1] * 4),
        class_names=("dark", "bright"),
        files=tuple(f"{number}.png" for number in range(8)),
    )


def test_mistakes_are_named_by_their_files() -> None:
    given = images()
    splits = make_splits(given, fraction=0.5, seed=1, device=torch.device("cpu"))
    measured = measure_network(Answers(), splits.validation, splits.normalisation, batch_size=3, classes=2)
    assert measured is not None
    details = details_of(measured, splits, given, SETTINGS)
    assert details is not None
    members = splits.validation.members
    assert members is not None
    dark = [number for number in members.tolist() if number in (4, 5)]
    assert details.images == (2, 2)
    assert details.correct == (2, 2 - len(dark))
    assert [row[:3] for row in details.misclassified] == [(f"{number}.png", 1, 0) for number in dark]
    assert details.confusions == (((1, 0, len(dark)),) if dark else ())
    assert ClassDetails.from_json(details.to_json()) == details


def test_a_network_whose_outputs_are_not_finite_has_the_worst_measures() -> None:
    class Broken(Answers):
        def forward(self, pixels: Tensor) -> Tensor:
            return super().forward(pixels) * float("inf")

    splits = make_splits(images(), fraction=0.5, seed=1, device=torch.device("cpu"))
    measured = measure_network(Broken(), splits.validation, splits.normalisation, batch_size=3, classes=2)
    assert measured is None
    assert set(reported(measured).values()) == {0.0, 1.0}
