"""docs/architecture.md shows the layers that import-linter holds, and names files that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = PAGE.split("## Folders")[1].split("\n## ")[0]


def layers_of(package: str) -> list[str]:
    """As import-linter holds them, without the package's entry points."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(found["layers"] for found in contracts if found.get("containers") == [package])
    return [layer for layer in layers if "__main__" not in layer]


@pytest.mark.parametrize("package", ["nago_orchestrator", "nago_trainer"])
def test_the_page_lists_the_layers_in_their_order(package: str) -> None:
    block = FOLDERS.split(f"`{package}/`:")[1].split("\n\n")[1]
    shown = [re.split(r"\s{2,}", line.strip())[0] for line in block.splitlines()]
    assert shown == layers_of(package)


def test_every_path_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:nago_\w+|migrations|k8s|docs)/[\w/.]*)`", PAGE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
