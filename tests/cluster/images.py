"""The project's images in the test cluster: built once per state of the sources, tagged with their hash."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"
SOURCES = (
    "Dockerfile",
    "docker",
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
    "migrations",
    "nago_orchestrator",
    "nago_trainer",
)
"""What .dockerignore lets through."""
POSTGRES = Path("tests/cluster/postgres")
BUILD_SECONDS = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    orchestrator: str
    trainer: str
    postgres: str | None
    """None: the official one, which the manifests name."""


def given_images() -> Images | None:
    """Those of the environment, for a cluster into which nothing can be loaded from here."""
    orchestrator, trainer, postgres = (
        os.environ.get(f"NAGO_TEST_{name}_IMAGE") for name in ("ORCHESTRATOR", "TRAINER", "POSTGRES")
    )
    if not orchestrator or not trainer:
        return None
    return Images(orchestrator=orchestrator, trainer=trainer, postgres=postgres or None)


def load_images(folder: Path) -> Images:
    """Builds what is not built, and hands the node of `folder` what it does not have."""
    base = run_script("base-image.sh").strip()
    tag = _digest(SOURCES)
    images = Images(
        orchestrator=_ensure(f"localhost/nago-orchestrator:{tag}", base, ".", "--target", "orchestrator"),
        trainer=_ensure(f"localhost/nago-trainer:{tag}", base, ".", "--target", "trainer"),
        postgres=_ensure(f"localhost/nago-postgres:{_digest([str(POSTGRES)])}", base, str(POSTGRES)),
    )
    wanted = [image for image in (images.orchestrator, images.trainer, images.postgres) if image]
    there = _loaded(folder)
    missing = [image for image in wanted if image not in there]
    if missing:
        run_script("load-image.sh", "--dir", str(folder), *missing)
    return images


def run_script(name: str, *arguments: str) -> str:
    """What a script of `node/` prints. Raises CalledProcessError; what it says of a failure goes to stderr."""
    return subprocess.run(
        [NODE / name, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS, check=True
    ).stdout


def _ensure(image: str, base: str, context: str, *options: str) -> str:
    known = subprocess.run(["buildah", "inspect", "--type", "image", image], capture_output=True, check=False)
    if known.returncode != 0:
        run_script("build-image.sh", *options, "--tag", image, "--build-arg", f"BASE_IMAGE={base}", context)
    return image


def _loaded(folder: Path) -> set[str]:
    listing = ["ctr", "-a", str(folder / "run/containerd.sock"), "-n", "k8s.io", "images", "ls", "-q"]
    return set(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split())


def _digest(sources: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        top = ROOT / source
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0{file.stat().st_mode & 0o111}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
