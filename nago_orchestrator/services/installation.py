"""Is this machine ready: packages, processors, folders? Called by `nago-orch doctor`."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nago_orchestrator.domain.findings import Finding, ok, problem, warning

LITTLE_SPACE = 2e9


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    """Of the distribution."""
    extra: str
    """Of nago-orchestrator, which brings it."""
    without: str
    """What does not work where it is missing."""
    needed: bool = False
    """Whether no study runs without it."""


ANYWHERE = (
    Package("hpbandster", "bohb", "search by bohb"),
    Package("ConfigSpace", "bohb", "search by bohb"),
    Package("numpyro", "mobo", "search by mobo, nor phases with it"),
    Package("pymoo", "mobo", "search by mobo or ehvi, nor phases with them"),
    Package("plotly", "report", "nago-orch report"),
)
FOR_LOCAL = (
    Package("torch", "trainer", "local trials", needed=True),
    Package("torchvision", "trainer", "the datasets cifar10 and cifar100"),
    Package("scikit-learn", "trainer", "the dataset digits"),
    Package("pillow", "trainer", "the dataset folder"),
    Package("psycopg2-binary", "postgres", "PostgreSQL"),
)
FOR_JOBS = (
    Package("kubernetes", "kubernetes", "trials in a cluster", needed=True),
    Package("psycopg2-binary", "postgres", "PostgreSQL", needed=True),
    Package("prometheus-client", "serve", "nago-orch serve"),
)


def installation_findings(folder: Path, *, for_jobs: bool) -> Iterator[Finding]:
    """`for_jobs`: whether trials run in a cluster, which needs other packages here than training does."""
    yield from map(_package, (*(FOR_JOBS if for_jobs else FOR_LOCAL), *ANYWHERE))
    yield from machine_findings(folder)


def machine_findings(folder: Path) -> Iterator[Finding]:
    """Interpreter, processors, graphics processors, and whether the data folder has room."""
    yield ok("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield ok("processors", f"{len(os.sched_getaffinity(0))} available to this process")
    driver = Path("/proc/driver/nvidia/version").exists()
    yield ok("GPU", "an NVIDIA driver is loaded" if driver else "no NVIDIA driver: local trials use the CPU")
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        yield problem(
            "data folder", f"{folder} is not writable for this user", "set XDG_DATA_HOME to a writable folder"
        )
        return
    free = shutil.disk_usage(there).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if free < LITTLE_SPACE:
        yield warning("data folder", detail, "free some space, or set XDG_DATA_HOME to a larger disk")
    else:
        yield ok("data folder", detail)


def _package(package: Package) -> Finding:
    try:
        return ok(package.name, version(package.name))
    except PackageNotFoundError:
        remedy = f"pip install 'nago-orchestrator[{package.extra}]'"
        detail = f"not installed: no {package.without}"
        return (problem if package.needed else warning)(package.name, detail, remedy)
