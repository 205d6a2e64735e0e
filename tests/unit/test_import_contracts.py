"""import-linter holds what the folders promise: what is planted against it is found and named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = {
    "nago_orchestrator/domain/states.py": "def _planted() -> None:\n    import nago_orchestrator.services\n",
    "nago_orchestrator/evaluation/metrics.py": "import torch\n",
    "nago_orchestrator/cli/options.py": "def _planted() -> None:\n    import sqlalchemy\n",
    "nago_orchestrator/server/server.py": "from nago_trainer.training import loop\n",
    "nago_trainer/contract/task.py": "from nago_trainer.data import images\n",
    "nago_orchestrator/loose.py": '"""In no layer."""\n',
    "nago_trainer/loose.py": '"""In no layer."""\n',
}
"""Lines that are added to a module, and modules that are new."""
FOUND = [
    "nago_orchestrator.domain is not allowed to import nago_orchestrator.services",
    "nago_orchestrator.evaluation.metrics -> torch",
    "nago_orchestrator.cli.options -> sqlalchemy",
    "nago_orchestrator is not allowed to import nago_trainer.training",
    "nago_trainer.contract is not allowed to import nago_trainer.data",
    "nago_orchestrator.loose",
    "nago_trainer.loose",
]


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Of import-linter on a copy of the packages with everything planted at once."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in ("nago_orchestrator", "nago_trainer"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module, lines in PLANTED.items():
        with (copy / module).open("a", encoding="utf-8") as file:
            file.write(lines)
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_planted_breaks_the_contracts(verdict: subprocess.CompletedProcess[str]) -> None:
    assert verdict.returncode == 1, verdict.stdout + verdict.stderr


@pytest.mark.parametrize("sentence", FOUND)
def test_each_violation_is_named(verdict: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert sentence in " ".join(verdict.stdout.split())
