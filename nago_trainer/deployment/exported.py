"""What is exported of a saved network: a module that torch can trace, and the description that goes with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago_trainer import __version__
from nago_trainer.contract.task import CROP, PAD, SQUASH
from nago_trainer.network.saved_network import NetworkFacts, TrainedNetwork

DESCRIPTION_KEY = "nago"
"""Under which a file has the description as JSON: ONNX's metadata, safetensors' header; in pt2 a file `nago.json`."""
INPUT, OUTPUT = "images", "logits"
BRIGHTEST = 255.0
OF_JPEG = (
    "In training a JPEG of at least twice `size` on both sides is decoded at 1/2, 1/4 or 1/8 of its size, and of any "
    "JPEG for grey only the luma. Pillow does so with image.draft(mode, (size, size)) after Image.open, mode L or RGB; "
    "resized pixels are then within 1 of 255. Of a JPEG decoded in full, those of photographs differ by up to 3.3 on "
    "average, and by up to 66 at edges."
)
"""Measured with three photographs and sizes of 8 to 224; `docs/networks.md` has the same."""


class WithPreprocessing(nn.Module):
    """Bytes [N, channels, height, width] of any height and width in, logits out.

    Resized as Pillow does (bilinear over all pixels that a new one covers, to whole bytes), then normalised.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self.network = trained.network
        self.size = trained.facts.dataset.image_size
        self.register_buffer("mean", trained.mean.clone())
        self.register_buffer("deviation", trained.deviation.clone())

    def forward(self, images: Tensor) -> Tensor:
        scaled = resized(images, self.size) / BRIGHTEST
        logits: Tensor = self.network((scaled - self.mean) / self.deviation)
        return logits


def resized(images: Tensor, size: int) -> Tensor:
    """Integers from 0 to 255, as floats [N, channels, size, size]."""
    found = functional.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
    return found.round().clamp(0.0, BRIGHTEST)


def module_of(trained: TrainedNetwork, with_preprocessing: bool) -> nn.Module:
    """In evaluation mode. Without preprocessing it takes normalised floats [N, channels, size, size]."""
    return (WithPreprocessing(trained) if with_preprocessing else trained.network).eval()


def traced(trained: TrainedNetwork, with_preprocessing: bool) -> torch.export.ExportedProgram:
    """With any number of images, and with preprocessing of any size."""
    dynamic: dict[int, Any] = {0: torch.export.Dim("batch", min=1)}
    if with_preprocessing:
        dynamic |= {2: torch.export.Dim("height", min=2), 3: torch.export.Dim("width", min=2)}
    example = examples(trained.facts, with_preprocessing)[-1]
    with torch.no_grad():
        return torch.export.export(module_of(trained, with_preprocessing), (example,), dynamic_shapes=(dynamic,))


def examples(facts: NetworkFacts, with_preprocessing: bool) -> list[Tensor]:
    """Batches of noise on which a file is compared with the network: of one image and of several, of several sizes."""
    size, channels = facts.dataset.image_size, facts.dataset.channels
    draws = torch.Generator().manual_seed(0)
    shapes = [(1, channels, size, size), (3, channels, size, size)]
    if with_preprocessing:
        shapes += [(1, channels, size + 3, 2 * size + 1), (2, channels, 3 * size, size + 5)]
    pixels = [torch.randint(0, 256, shape, dtype=torch.uint8, generator=draws) for shape in shapes]
    return pixels if with_preprocessing else [facts.normalisation.apply(batch) for batch in pixels]


_FITS = {
    SQUASH: "proportions not kept",
    CROP: "of the largest square in the middle",
    PAD: "the longer side fills it, on black in the middle",
}


def description(facts: NetworkFacts, with_preprocessing: bool) -> dict[str, Any]:
    """All that a program without NAGO needs to prepare images and to name classes."""
    size, channels = facts.dataset.image_size, facts.dataset.channels
    return {
        "made_by": f"nago {__version__}",
        "study": facts.study,
        "trial": facts.trial,
        "parameters": facts.parameters,
        "epochs": facts.epochs,
        **({} if facts.run_of is None else {"run_of": facts.run_of}),
        "validation_accuracy": facts.validation_accuracy,
        "class_names": list(facts.class_names),
        "input": {
            "name": INPUT,
            "type": "uint8" if with_preprocessing else "float32",
            "shape": ["batch", channels, *(["height", "width"] if with_preprocessing else [size, size])],
            "values": "bytes from 0 to 255" if with_preprocessing else "(byte / 255 - mean) / deviation",
        },
        "output": {"name": OUTPUT, "shape": ["batch", len(facts.class_names)], "probabilities": "softmax"},
        "preprocessing": {
            "in_graph": with_preprocessing,
            "colour": "grey" if channels == 1 else "RGB",
            "transparency": "on white",
            "size": size,
            "resize": f"bilinear with antialiasing (Pillow's BILINEAR) to a square, {_FITS[facts.dataset.fit]}",
            "jpeg": OF_JPEG,
            **{name: list(values) for name, values in asdict(facts.normalisation).items()},
        },
    }
