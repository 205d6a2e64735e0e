"""The address by which an attempt's trainer reaches the database."""

from __future__ import annotations

import pytest

from nago_orchestrator.executors.kubernetes.manifest.secret import address_for


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("postgresql://host/db", "postgresql://me:secret@host/db"),
        ("postgresql://other:word@host:5433/db", "postgresql://me:secret@host:5433/db"),
        ("postgresql+psycopg2://[::1]:5432/db\n", "postgresql+psycopg2://me:secret@[::1]:5432/db"),
        (
            "postgresql://host/db?options=-c%20search_path%3Dnago&user=other&password=word&sslcert=",
            "postgresql://me:secret@host/db?options=-c%20search_path%3Dnago&sslcert=",
        ),
        ("postgresql://host/db?user=other", "postgresql://me:secret@host/db"),
    ],
)
def test_only_user_and_password_are_replaced(given: str, wanted: str) -> None:
    assert address_for(given, "me", "secret") == wanted


@pytest.mark.parametrize("given", ["host/db", "", "host=h dbname=d"])
def test_an_address_of_another_form_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        address_for(given, "me", "secret")
