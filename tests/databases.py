"""Which kinds of database a test runs on: both, by `database_url`, or fewer, by what is here."""

from __future__ import annotations

import pytest

POSTGRESQL_IS_SLOW = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
"""For a module whose tests are about more than rows: on SQLite they show it in a moment, on both in `make test`."""
