"""Prints what pip has to install for these extras of pyproject.toml; `project` stands for the project itself.

Called by the Dockerfile, so that dependencies are a layer of their own, which a change of the code leaves alone.

    python3 requirements.py project postgres > requirements.txt
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def read_requirements(extras: list[str], pyproject: Path) -> list[str]:
    """Raises KeyError for an extra that is not there."""
    project = tomllib.loads(pyproject.read_text())["project"]
    known = {**project["optional-dependencies"], "project": project["dependencies"]}
    return [requirement for extra in extras for requirement in known[extra]]


if __name__ == "__main__":
    sys.stdout.write("\n".join(read_requirements(sys.argv[1:], Path("pyproject.toml"))) + "\n")
