"""The version stands in one place; wherever it is written out, it is that one."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import nago_orchestrator
import nago_trainer

ROOT = Path(__file__).parents[2]
WRITTEN = re.compile(r"nago[-_](?:orchestrator|trainer)[:-](\d+\.\d+\.\d+)|newTag: (\d+\.\d+\.\d+)")
"""Tags of images, and names of wheels and archives."""


def test_both_programs_have_one_version() -> None:
    assert nago_orchestrator.__version__ == nago_trainer.__version__ == version("nago-orchestrator")


def test_manifests_and_documents_name_this_version() -> None:
    files = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "k8s").rglob("*.yaml"),
        *(ROOT / "k8s").rglob("*.md"),
    ]
    found = {
        (str(file.relative_to(ROOT)), match[1] or match[2])
        for file in files
        for match in WRITTEN.finditer(file.read_text(encoding="utf-8"))
    }
    assert len(found) > 5
    assert {place: named for place, named in found if named != nago_trainer.__version__} == {}
