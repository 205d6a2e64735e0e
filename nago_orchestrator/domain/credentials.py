"""What an attempt proves itself with: the token of its reports and, on Kubernetes, a login to the database. Pure.

All of it follows from one key and the attempt's name, so that a restarted orchestrator arrives at the same, and nothing
secret has to be stored with the attempt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

ITERATIONS = 1
"""Of PBKDF2. They slow down who guesses a password from its verifier; these have 256 random bits, which nobody guesses.
So they would cost time alone: the orchestrator for each attempt, and each trainer for every report (3.5 ms at 4096).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A database role of one attempt."""

    role: str
    password: str = field(repr=False)
    verifier: str = field(repr=False)
    """What the server gets instead of the password."""
    valid_until: datetime
    """After which no connection is let in, even if nobody has removed the role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    token: str = field(repr=False)
    """Repeated in all reports of the attempt."""
    login: Login | None = None
    """None where the trainer does not reach the database."""


def token_digest(token: str) -> str:
    """What of a token may be seen by everybody."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive(key: bytes, attempt: str, *, role_prefix: str, valid_until: datetime) -> Credentials:
    """`attempt` names it among all that the key is used for."""
    password = _derived(key, "password", attempt).hex()
    login = Login(
        role=role_prefix + hashlib.sha256(attempt.encode()).hexdigest()[:20],
        password=password,
        verifier=scram_verifier(password, _derived(key, "salt", attempt)[:16]),
        valid_until=valid_until,
    )
    return Credentials(token=_derived(key, "token", attempt).hex()[:32], login=login)


def scram_verifier(password: str, salt: bytes) -> str:
    """As PostgreSQL stores it (SCRAM-SHA-256, RFC 5802 and 7677). The password must be ASCII."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_, stored_, server_ = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt_}${stored_}:{server_}"


def _derived(key: bytes, purpose: str, attempt: str) -> bytes:
    return hmac.digest(key, f"{purpose} {attempt}".encode(), "sha256")
