"""The right to run a study, as a row of the database: who has it, until when, and under which fencing token.

Pure: the store keeps the row and tells the time. A taking raises the token by one, and whoever writes shows the token
of its own taking: what was replaced, frozen or cut off meanwhile can write nothing, whatever it believes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    token: int = 0
    """Of the newest taking; 0 before the first."""
    holder: str | None = None
    """In words for others; None: it was released, or never taken."""
    process: str | None = None
    """By which the same machine can tell whether the holder still lives."""
    term: timedelta | None = None
    """How long it stands without a renewal; None: something else ends it, e.g. the lock of a file."""
    expires_at: datetime | None = None
    """By the database's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one who wants the lease would write into it."""

    holder: str
    process: str | None
    term: timedelta | None


def is_held(lease: Lease, now: datetime) -> bool:
    return lease.holder is not None and (lease.expires_at is None or now < lease.expires_at)


def requested(lease: Lease, wish: Wish, now: datetime, *, holder_is_gone: bool = False) -> Lease:
    """The row after a request; it was granted if the token is another one.

    `holder_is_gone`: it is known for certain that whoever is written there no longer runs.
    """
    seen = _within_its_term(lease, now)
    if is_held(seen, now) and not holder_is_gone:
        return seen
    return Lease(
        token=lease.token + 1,
        holder=wish.holder,
        process=wish.process,
        term=wish.term,
        expires_at=None if wish.term is None else now + wish.term,
    )


def renewed(lease: Lease, token: int, now: datetime) -> Lease | None:
    """None: it was taken by another. One that has only run out is still its holder's, as long as nobody took it."""
    if not allows(lease, token):
        return None
    return replace(lease, expires_at=None if lease.term is None else now + lease.term)


def released(lease: Lease, token: int) -> Lease | None:
    """None: it was taken by another, and stays that one's."""
    return Lease(token=token) if allows(lease, token) else None


def allows(lease: Lease, token: int) -> bool:
    """Whether a write under this token counts."""
    return lease.holder is not None and lease.token == token


def _within_its_term(lease: Lease, now: datetime) -> Lease:
    """An end that lies more than a term ahead was written before the clock was set back: a term from now, then.

    A holder that lives renews it meanwhile; one that is gone does not keep it for as long as the clock went back.
    """
    if lease.expires_at is None or lease.term is None or lease.expires_at <= now + lease.term:
        return lease
    return replace(lease, expires_at=now + lease.term)
