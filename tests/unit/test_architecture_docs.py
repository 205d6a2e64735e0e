"""docs/architecture.md shows the layers that import-linter holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_lists_the_layers_in_their_order() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    page = (ROOT / "docs" / "architecture.md").read_text().split("## Layers")[1].split("##")[0]
    shown = [line.strip().split("   ")[0] for line in page.splitlines() if line.startswith("    ")]
    wanted = [layer.replace("nago_orchestrator.", "") for layer in layers if not layer.endswith("__main__")]
    assert shown == [*wanted, "nago_trainer.architecture, nago_trainer.contract"]
