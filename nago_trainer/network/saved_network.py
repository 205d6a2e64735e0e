"""A trained network in a file that holds all that is needed to use it: architecture, width, weights, names of classes.

Written by `trial`; `load_network` is for everybody who wants to use a network that a search has found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor, nn

from nago_trainer.architecture import Architecture, TensorShape, build_plan
from nago_trainer.contract.task import DatasetSettings
from nago_trainer.data.splits import Normalisation
from nago_trainer.errors import TaskError
from nago_trainer.network.network import build_network, set_weights
from nago_trainer.network.prediction import ImageLike, Prediction, as_list, batches, ranked
from nago_trainer.network.tensor_file import form_of, from_bytes, to_bytes
from nago_trainer.whole_file import write_whole

FORM_FAMILY = "nago-network-"
FORM = f"{FORM_FAMILY}2"
"""Names the file's form, safetensors with facts in its header; raised when the meaning of an entry changes."""
FORMER_FORM = f"{FORM_FAMILY}1"
"""Written by torch, and still read."""
BRIGHTEST = 2.0
"""Floats beyond are no share of white, not even one that an augmentation has brightened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """What a saved network is and where it comes from."""

    study: str
    trial: int
    architecture: Mapping[str, Any]
    """JSON form of a `nago_trainer.architecture.Architecture`."""
    width: int
    dataset: DatasetSettings
    class_names: tuple[str, ...]
    """The name of each logit."""
    normalisation: Normalisation
    dropout: float
    parameters: int
    epochs: int
    validation_accuracy: float
    run_of: int | None = None
    """Epochs of the run of which these are the beginning; None: a run of its own."""


class TrainedNetwork(nn.Module):
    """A network together with the normalisation of its images.

    Called with bytes (0..255) or floats (0..1) of [B, channels, size, size] as in `facts.dataset`, it returns the
    logits [B, classes]; `facts.class_names[logits.argmax(1)]` is the class. Raises ValueError for floats that are
    bytes, of which it would make nothing.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module, facts: NetworkFacts) -> None:
        super().__init__()
        self.network = network
        self.facts = facts
        self.register_buffer("mean", torch.tensor(facts.normalisation.mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(facts.normalisation.deviation).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if images.is_floating_point():
            _refuse_bytes_as_floats(images)
        scaled = images if images.is_floating_point() else images.float() / 255
        logits: Tensor = self.network((scaled - self.mean) / self.deviation)
        return logits

    @torch.no_grad()
    def logits(self, images: ImageLike | Iterable[ImageLike]) -> Tensor:
        """[N, classes], of what `predict` takes."""
        parts = [self(batch.to(self.mean.device)).cpu() for batch in batches(as_list(images), self.facts.dataset)]
        return torch.cat(parts) if parts else torch.empty(0, len(self.facts.class_names))

    def predict(self, images: ImageLike | Iterable[ImageLike]) -> list[Prediction]:
        """One for each image: files, images of Pillow, or tensors of bytes or of floats from 0 to 1.

        They are prepared as the validation images in training: read by the same rules and resized, all but tensors,
        which must have the network's size. Raises DataError for the first image that is none, and StorageError where
        its storage fails.
        """
        return ranked(self.logits(images), self.facts.class_names)


def _refuse_bytes_as_floats(images: Tensor) -> None:
    """Where values can be looked at: not while torch traces or compiles, nor of images without values (meta)."""
    tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # torch: not told to type checkers
    if tracing or torch.compiler.is_compiling() or images.numel() == 0:
        return
    try:
        largest = images.detach().amax().item()
    except RuntimeError:
        return
    if largest > BRIGHTEST:
        raise ValueError(f"the images have floats up to {largest:g}: give floats from 0 to 1, or bytes from 0 to 255")


def save_network(network: nn.Module, facts: NetworkFacts, path: Path) -> None:
    """The file appears whole or not at all: a safetensors file, in which nothing can be executed. Raises OSError."""
    weights = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_whole(path, to_bytes(FORM, {"facts": _plain(asdict(facts)), "weights": weights}))


def load_network(path: str | Path) -> TrainedNetwork:
    """On the CPU and in evaluation mode. Runs no code from the file. Raises TaskError if it holds no such network."""
    content = _content(path)
    try:
        facts = _facts(content["facts"])
        network = rebuild(facts)
        set_weights(network, content["weights"])
        return TrainedNetwork(network, facts).eval()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise TaskError(f"a damaged saved network of the format {FORM}", where=path) from error


def _content(path: str | Path) -> dict[str, Any]:
    if is_zipfile(path):
        return _former_content(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise TaskError("not a file of a saved network", where=path) from error
    form = form_of(data)
    if form is None:
        raise TaskError("not a file of a saved network", where=path)
    if form != FORM:
        raise _of_another_form(form, path)
    try:
        return dict(from_bytes(data).content)
    except (TypeError, ValueError) as error:
        raise TaskError(f"a damaged saved network of the format {FORM}", where=path) from error


def _former_content(path: str | Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError) as error:
        raise TaskError("not a file of a saved network", where=path) from error
    form = content.get("form") if isinstance(content, dict) else None
    if form != FORMER_FORM:
        raise _of_another_form(form, path)
    return dict(content)


def _of_another_form(form: object, path: str | Path) -> TaskError:
    if isinstance(form, str) and form.startswith(FORM_FAMILY):
        return TaskError(
            f"a saved network of the format {form}, and this version reads {FORMER_FORM} and {FORM}",
            where=path,
            do="upgrade nago-orchestrator",
        )
    return TaskError(f"not a saved network of the format {FORM}", where=path)


def rebuild(facts: NetworkFacts) -> nn.Module:
    """The network with fresh weights."""
    image = TensorShape(facts.dataset.channels, facts.dataset.image_size)
    architecture = Architecture.from_json(dict(facts.architecture))
    return build_network(build_plan(architecture, image, facts.dataset.classes, facts.width), facts.dropout)


def _facts(stored: dict[str, Any]) -> NetworkFacts:
    normalisation = {name: tuple(values) for name, values in stored["normalisation"].items()}
    return NetworkFacts(
        **{
            **stored,
            "dataset": DatasetSettings(**stored["dataset"]),
            "normalisation": Normalisation(**normalisation),
            "class_names": tuple(stored["class_names"]),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
