"""safetensors: the weights by name, with the description and the architecture in the header. Home of safetensors."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from nago_trainer.deployment.exported import DESCRIPTION_KEY, description
from nago_trainer.errors import ExportError
from nago_trainer.network.saved_network import TrainedNetwork


def safetensors_bytes(trained: TrainedNetwork) -> bytes:
    facts = trained.facts
    told = {**description(facts, False), "architecture": dict(facts.architecture), "width": facts.width}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trained.network.state_dict().items()}
    return save(weights, metadata={"format": "pt", DESCRIPTION_KEY: json.dumps(told, ensure_ascii=False)})


def check_safetensors(trained: TrainedNetwork, file: Path) -> None:
    """Raises ExportError unless the file has the network's own weights."""
    found, wanted = load_file(file), trained.network.state_dict()
    if found.keys() != wanted.keys() or not all(torch.equal(found[name], wanted[name]) for name in wanted):
        raise ExportError("the exported file does not have the network's weights")
