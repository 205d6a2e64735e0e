"""pt2: torch's own form of an exported program, loaded with torch alone."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nago_trainer.deployment.exported import DESCRIPTION_KEY, description, traced
from nago_trainer.errors import ExportError
from nago_trainer.network.saved_network import TrainedNetwork

LOAD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
sys.modules["nago_trainer"] = None  # the file must do without
import torch
program = torch.export.load(sys.argv[2]).module()
batches = torch.load(sys.argv[3], weights_only=True)
torch.save([program(batch) for batch in batches], sys.argv[4])
"""
"""Run by a process of its own, which is isolated from its surroundings but finds torch wherever this one has."""


def pt2_bytes(trained: TrainedNetwork, with_preprocessing: bool) -> bytes:
    buffer = io.BytesIO()
    told = json.dumps(description(trained.facts, with_preprocessing), ensure_ascii=False)
    torch.export.save(traced(trained, with_preprocessing), buffer, extra_files={f"{DESCRIPTION_KEY}.json": told})
    return buffer.getvalue()


def pt2_logits(file: Path, batches: Sequence[Tensor]) -> list[Tensor]:
    """What a fresh process computes of the file. Raises ExportError where it cannot load it."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given", Path(folder) / "found"
        torch.save(list(batches), given)
        packages = json.dumps([str(place) for place in sys.path])
        command = [sys.executable, "-I", "-c", LOAD, packages, str(file.absolute()), str(given), str(found)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
            raise ExportError(f"a fresh process cannot use the exported file: {last}")
        logits: list[Tensor] = torch.load(found, weights_only=True)
        return logits
