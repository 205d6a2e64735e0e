"""doctor: is everything there that a study needs, and where is it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from nago_orchestrator.cli.options import Database, Output, OutputFormat
from nago_orchestrator.cli.tables import Column, print_rows
from nago_orchestrator.errors import DatabaseError

COLUMNS = (
    Column(key="state", title="state", right=False),
    Column(key="check", title="check", right=False),
    Column(key="detail", title="detail", right=False),
)
PACKAGES = {
    "torch": ("trainer", True),
    "torchvision": ("trainer", False),
    "scikit-learn": ("trainer", False),
    "pillow": ("trainer", False),
    "hpbandster": ("bohb", False),
    "ConfigSpace": ("bohb", False),
    "psycopg2-binary": ("postgres", False),
    "plotly": ("report", False),
}
"""By distribution: the extra that brings it, and whether no study runs on this machine without it."""
LITTLE_SPACE = 2e9
PROBLEM = 3

Finding = dict[str, Any]


def doctor(output: Output = OutputFormat.TABLE, database: Database = None) -> None:
    """Check this installation: packages, database, folders, processors. Exit code 3 if something is broken."""
    from nago_orchestrator.places import data_folder, database_url

    findings = [*packages(), *machine(data_folder()), results_database(database_url(database))]
    print_rows(findings, COLUMNS, output, empty="")
    if any(finding["state"] == "problem" for finding in findings):
        raise typer.Exit(PROBLEM)


def packages() -> Iterator[Finding]:
    """What is installed, in which version, and what its absence costs."""
    for name, (extra, needed) in PACKAGES.items():
        try:
            yield _finding("ok", name, version(name))
        except PackageNotFoundError:
            state = "problem" if needed else "missing"
            yield _finding(state, name, f"not installed: pip install 'nago-orchestrator[{extra}]'")


def machine(folder: Path) -> Iterator[Finding]:
    """Interpreter, processors, graphics processors, and whether the data folder has room."""
    import os
    import platform
    import shutil

    yield _finding("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _finding("ok", "processors", f"{len(os.sched_getaffinity(0))} for this process")
    driver = Path("/proc/driver/nvidia/version").exists()
    yield _finding("ok", "graphics", "an NVIDIA driver is loaded" if driver else "no NVIDIA driver: trials use the CPU")
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(there, os.W_OK):
        yield _finding("problem", "data folder", f"{folder} cannot be written by this user")
        return
    free = shutil.disk_usage(there).free
    state = "warning" if free < LITTLE_SPACE else "ok"
    yield _finding(state, "data folder", f"{folder}, {free / 1e9:.1f} GB free")


def results_database(url: str) -> Finding:
    """Reachable, and of this program's version?"""
    from nago_orchestrator.store import versions
    from nago_orchestrator.store.engine import describe, parse

    try:
        status = versions.check(url)
        shown = describe(parse(url))
        if status.empty:
            return _finding("ok", "database", f"{shown} is empty yet; the first study makes its tables")
        versions.refuse_other(status, shown)
    except DatabaseError as error:
        return _finding("problem", "database", str(error))
    return _finding("ok", "database", f"{shown}, schema {status.found}")


def _finding(state: str, check: str, detail: str) -> Finding:
    return {"state": state, "check": check, "detail": detail}
