"""What is installed from a wheel: the packages with their types, the migrations, and the two commands."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USER = """
from nago_trainer.saved_network import load_network

load_network("network.pt")
load_network(3)
"""


pytestmark = pytest.mark.slow  # a wheel is built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_has_the_packages_their_types_and_the_migrations(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"nago_orchestrator/py.typed", "nago_trainer/py.typed", "nago_orchestrator/migrations/env.py"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"nago_orchestrator", "nago_trainer"}


def test_a_users_mypy_sees_the_types(wheel: Path, tmp_path: Path) -> None:
    """In an environment with nothing but the wheel's content, as mypy finds it there."""
    venv.create(tmp_path / "venv", with_pip=False)
    packages = sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")})
    zipfile.ZipFile(wheel).extractall(packages)
    (tmp_path / "user.py").write_text(USER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", tmp_path / "venv/bin/python", "--strict", "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    (complaint, _) = done.stdout.splitlines()
    assert complaint.startswith('user.py:5: error: Argument 1 to "load_network" has incompatible type "int"'), (
        done.stdout
    )
