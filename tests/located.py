"""Errors with their place first, so that a list of expected errors can be read by its lines."""

from __future__ import annotations

from nago_orchestrator.errors import NagoError


def located(error: NagoError) -> str:
    """`<where>: <what is wrong>: <what to do>`."""
    return ": ".join(str(part) for part in (error.where, error.what, error.do) if part is not None)
