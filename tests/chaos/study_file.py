"""The study that is disturbed: small, and with retries enough that no disturbance may cost a trial."""

from __future__ import annotations

import json
from pathlib import Path

from tests.chaos.plan import Round

NAME = "disturbed"
PROPOSALS = 14
_SEARCH = {
    "bohb": {"algorithm": "bohb", "iterations": 3},
    "random": {"algorithm": "random", "proposals": PROPOSALS},
}
_FIDELITIES = {"bohb": (1, 2, 4), "random": (3,)}


def write_study_file(folder: Path, planned: Round) -> Path:
    document = {
        "name": NAME,
        "seed": 3,
        "space": {
            "hyperparameters": {
                "top_nodes": {"low": 3, "high": 4},
                "mid_nodes": 1,
                "bottom_nodes": {"low": 3, "high": 4},
            }
        },
        "objectives": [{"name": "accuracy"}, {"name": "memory"}],
        "fidelities": _FIDELITIES[planned.algorithm],
        "search": _SEARCH[planned.algorithm],
        "trainer": {"dataset": {"name": "digits"}, "parameter_limit": 10_000},
        "execution": {"parallelism": planned.parallelism, "device": "cpu"},
        "retries": {"infrastructure": 1000, "defect": 100, "pause": 0},
    }
    path = folder / f"{NAME}.yaml"
    path.write_text(json.dumps(document))  # JSON is YAML
    return path
