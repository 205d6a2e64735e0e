"""Where things are kept unless somebody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """The user's own, by the customs of the system."""
    return Path(platformdirs.user_data_dir("nago"))


def database_url(option: str | None) -> str:
    """`--database`, else NAGO_DATABASE_URL, else one SQLite file in the user's data folder."""
    return option or os.environ.get("NAGO_DATABASE_URL") or str(data_folder() / "nago.sqlite")
