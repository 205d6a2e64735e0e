"""Libraries of an optional extra: loaded by whom they are for, and named where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nago_orchestrator.errors import InputError


@contextmanager
def needing(extra: str, *, what: str) -> Iterator[None]:
    """Raises InputError where what is done within imports a library that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"{what} needs {error.name}, which is not installed: pip install 'nago-orchestrator[{extra}]'"
        ) from error
