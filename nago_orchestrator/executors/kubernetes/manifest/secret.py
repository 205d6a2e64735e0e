"""The Secret of one attempt: its token, and the database's address with its own login. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from nago_orchestrator.domain.credentials import Credentials, token_digest
from nago_orchestrator.executors.kubernetes.manifest.labels import StudyLabel, study_labels

TOKEN_KEY, ADDRESS_KEY = "token", "url"
_REPLACED = ("user", "password")
_ADDRESS = re.compile(r"(?P<scheme>[a-z0-9+]+://)(?P<place>[^/?]*)(?P<path>/?[^?]*)(?:\?(?P<query>.*))?")


def secret_name(attempt: str, token: str) -> str:
    """Never that of a Secret with another content."""
    return f"{attempt}-{token_digest(token)[:10]}"


def build_secret(attempt: str, given: Credentials, address: str, study: StudyLabel) -> dict[str, Any]:
    values = {TOKEN_KEY: given.token, ADDRESS_KEY: address}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": {"name": secret_name(attempt, given.token), "labels": study_labels(study)},
        "data": encoded(values),
    }


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def job_owner(job: Mapping[str, Any]) -> dict[str, Any]:
    """An owner reference."""
    metadata = job["metadata"]
    return {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}


def address_for(address: str, user: str, password: str) -> str:
    """The database's address with another user; both must need no quoting. Raises ValueError."""
    parts = _ADDRESS.fullmatch(address.strip())
    if parts is None:
        raise ValueError("the address of the database for the trainers is not of the form postgresql://HOST/DATABASE")
    host = parts["place"].rpartition("@")[2]
    # Kept as they are written: libpq does not read all that Python writes.
    kept = [option for option in (parts["query"] or "").split("&") if option.partition("=")[0] not in _REPLACED]
    query = f"?{'&'.join(kept)}" if any(kept) else ""
    return f"{parts['scheme']}{user}:{password}@{host}{parts['path']}{query}"
